package seonchak;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.util.Base64;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.data.redis.core.StringRedisTemplate;
import org.springframework.http.ResponseEntity;
import org.springframework.kafka.core.KafkaTemplate;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;

/**
 * SADD, INCR and a send without waiting for the acknowledgement.
 *
 * <p>It loses coupons when a process or Kafka fails, and counts past its quantity: for comparison
 * only.
 */
@RestController
public class ApplyController {

    private static final long QUANTITY = 10_000_000;
    private static final String SUBJECT = "\"sub\": \"";

    private final StringRedisTemplate redis;
    private final KafkaTemplate<String, String> kafka;
    private final String topic;

    public ApplyController(
            StringRedisTemplate redis,
            KafkaTemplate<String, String> kafka,
            @Value("${coupon.topic}") String topic) {
        this.redis = redis;
        this.kafka = kafka;
        this.topic = topic;
    }

    record Accepted(String campaignId, String userId, String outcome, long serial) {}

    record Refused(String code) {}

    @PostMapping("/campaigns/{id}/apply")
    public ResponseEntity<Object> apply(
            @PathVariable String id, @RequestHeader("Authorization") String bearer) {
        String user = subject(bearer);
        Long added = redis.opsForSet().add("java:" + id + ":users", user);
        if (added == null || added == 0) {
            return refused("ALREADY_APPLIED");
        }
        Long serial = redis.opsForValue().increment("java:" + id + ":count");
        if (serial == null || serial > QUANTITY) {
            return refused("SOLD_OUT");
        }
        kafka.send(topic, user);
        return ResponseEntity.accepted().body(new Accepted(id, user, "ACCEPTED", serial));
    }

    private static ResponseEntity<Object> refused(String code) {
        return ResponseEntity.status(409).body(new Refused(code));
    }

    /** The user of a token, whose signature and time are not checked. */
    private static String subject(String bearer) {
        int payload = bearer.indexOf('.') + 1;
        byte[] encoded = bearer.substring(payload, bearer.lastIndexOf('.')).getBytes(ISO_8859_1);
        String claims = new String(Base64.getUrlDecoder().decode(encoded), ISO_8859_1);
        int begin = claims.indexOf(SUBJECT) + SUBJECT.length();
        return claims.substring(begin, claims.indexOf('"', begin));
    }
}
