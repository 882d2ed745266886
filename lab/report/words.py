"""Every sentence of the page itself, in English and Korean; the recorded files bring the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.texts import Text

# "why.kafka" says why a promise breaks; "why.kafka.8" why it breaks in stage 8, where that differs.
WORDS: dict[str, tuple[str, str]] = {
    "page": ("The lab of seonchak", "선착 실험실"),
    "headline": (
        "A hundred coupons, a thousand people, {stages}.",
        "쿠폰 100장, 사람 1,000명, {stages}.",
    ),
    "stages.count": ("{count} stages", "{count}단계"),
    "stage.count": ("one stage", "한 단계"),
    "lead": (
        "Each stage is one Python file. Each ran on real Redis, Kafka and MySQL, {ms:g}\u00a0ms away, while the lab struck it with faults and wrote down every call. Below: which promises it kept, which it broke, to whom, and why.",
        "각 단계는 파이썬 파일 하나다. {ms:g}ms 떨어진 실제 Redis, Kafka, MySQL에서 실행했고, 그동안 실험실이 장애를 일으키며 모든 호출을 기록했다. 어떤 약속을 지키고 어떤 약속을 누구에게 왜 어겼는지 아래에 있다.",
    ),
    "playground": ("Playground", "놀이터"),
    "play": ("Play this stage, one step at a time", "이 단계를 한 걸음씩 직접 해 보기"),
    "skip": ("Skip to the table", "표로 건너뛰기"),
    "matrix": ("The promises, by stage", "단계별 약속"),
    "matrix.caption": (
        "A row is a promise and the fault that tests it; a column is a stage. ✓ kept, ✗ broken, – the stage does not use that server. The numbers are what was counted. Each cell leads to its stage.",
        "행은 약속과 그것을 시험하는 장애이고, 열은 단계다. ✓ 지킴, ✗ 어김, – 그 서버를 쓰지 않는 단계. 숫자는 센 값이다. 칸을 누르면 그 단계로 간다.",
    ),
    "promise": ("Promise", "약속"),
    "stage": ("Stage {number}", "{number}단계"),
    "stage.short": ("{number}", "{number}"),
    "yours": ("yours", "내 것"),
    "kept": ("kept", "지킴"),
    "broken": ("broken", "어김"),
    "none": ("does not use it", "쓰지 않음"),
    "quota.unit": ("coupons / limit", "쿠폰 / 한도"),
    "answered.unit": ("no answer / presses", "답 없음 / 누름"),
    "one_each.unit": ("coupons of one person", "한 사람의 쿠폰"),
    "mysql_pause.unit": ("waited / presses", "기다림 / 누름"),
    "retried.unit": ("lost / accepted", "잃음 / 당첨"),
    "crash.unit": ("barred / killed, + left over", "막힘 / 죽음, + 남은 쿠폰"),
    "kafka.unit": ("lost / accepted", "잃음 / 당첨"),
    "twice.unit": ("coupons / people", "쿠폰 / 사람"),
    "redis.unit": ("coupons / limit, − lost", "쿠폰 / 한도, − 잃음"),
    "figures": ("In figures", "그림으로"),
    "figures.lead": (
        "All from the burst: 1,000 people press at once for 100 coupons.",
        "모두 1,000명이 동시에 쿠폰 100장을 누르는 버스트에서 나온 값이다.",
    ),
    "latency": ("How long people waited", "얼마나 기다렸나"),
    "latency.caption": (
        "From the press to the answer, in ms. The bar holds nine of ten people, the dot is the median, the line ends at the slowest.",
        "누른 때부터 답까지, ms. 막대에 10명 중 9명이 들어가고, 점은 중앙값, 선의 끝은 가장 느린 사람이다.",
    ),
    "latency.label": (
        "{name}: median {median} ms, nine of ten between {low} and {high} ms, slowest {slowest} ms",
        "{name}: 중앙값 {median}ms, 10명 중 9명은 {low}~{high}ms, 가장 느린 사람 {slowest}ms",
    ),
    "load": ("What MySQL had to do", "MySQL이 한 일"),
    "load.caption": (
        "Statements per 100 ms after the first press. Without Kafka each accepted person's row is written while she waits; with Kafka the consumer writes at its own pace, and the answer does not wait.",
        "첫 누름 뒤 100ms마다 MySQL 문장 수. Kafka가 없으면 당첨자가 기다리는 동안 행을 쓰고, Kafka가 있으면 컨슈머가 자기 속도로 쓰며 답은 기다리지 않는다.",
    ),
    "load.3": ("Stage 3, without Kafka", "3단계, Kafka 없이"),
    "load.5": ("Stage 5, with Kafka", "5단계, Kafka와 함께"),
    "load.total": (
        "{calls} statements in {ms} ms, at most {most} in 100 ms",
        "{ms}ms 동안 문장 {calls}개, 100ms에 최대 {most}개",
    ),
    "throughput": ("A row lock against INCR", "행 잠금과 INCR"),
    "throughput.caption": (
        "People answered per second. In stage 2 everybody waits for one row of MySQL; in stage 3 Redis counts. Error pages are not answers: {unanswered} in stage 2.",
        "1초에 답을 받은 사람 수. 2단계에서는 모두가 MySQL의 한 행을 기다리고, 3단계에서는 Redis가 센다. 오류 화면은 답이 아니다. 2단계에서 {unanswered}명이 오류를 보았다.",
    ),
    "throughput.2": ("Stage 2: SELECT … FOR UPDATE", "2단계: SELECT … FOR UPDATE"),
    "throughput.3": ("Stage 3: INCR", "3단계: INCR"),
    "per_s": ("{count} per second", "초당 {count}명"),
    "no_figures": (
        "The figures compare stages 2, 3 and 5; “make lab” runs them all.",
        "그림은 2, 3, 5단계를 비교한다. “make lab”은 모든 단계를 실행한다.",
    ),
    "all_kept": ("Every promise was kept.", "모든 약속을 지켰다."),
    "broke": ("What broke, and why", "무엇이 왜 깨졌나"),
    "why": ("Why", "이유"),
    "fault": ("Fault", "장애"),
    "counted": ("Counted", "센 값"),
    "also": ("Others to whom it happened", "같은 일을 겪은 다른 사람들"),
    "more": ("and {count} more", "외 {count}명"),
    "without_distance": (
        "The same burst with the servers 0 ms away: {seen}.",
        "서버까지의 거리가 0ms인 같은 버스트: {seen}.",
    ),
    "unexpected": (
        "This run differs from the stage's page: {promises}. A busy machine can do that; run it again alone.",
        "이번 실행은 이 단계의 설명과 다르다: {promises}. 컴퓨터가 바쁘면 그럴 수 있으니, 혼자 다시 실행해 본다.",
    ),
    "timeline": ("What happened to {name}", "{name} 님에게 일어난 일"),
    "timeline.help": (
        "Time runs downwards. Point at a step, or go through them with the arrow keys, to read it in full.",
        "시간은 아래로 흐른다. 단계를 가리키거나 화살표 키로 옮기면 전체를 읽을 수 있다.",
    ),
    "left_out": (
        "{count} more steps are left out here.",
        "여기서 단계 {count}개를 생략했다.",
    ),
    "later": ("{time} later", "{time} 뒤"),
    "lane.person": ("person", "사람"),
    "lane.process": ("process", "프로세스"),
    "lane.redis": ("Redis", "Redis"),
    "lane.kafka": ("Kafka", "Kafka"),
    "lane.mysql": ("MySQL", "MySQL"),
    "code": ("The code", "코드"),
    "code.first": ("{file}, {lines} lines.", "{file}, {lines}줄."),
    "code.compared": (
        "{file} beside {before}: + {added} lines added, − {removed} taken away.",
        "{before}에서 {file}: + {added}줄 추가, − {removed}줄 삭제.",
    ),
    "code.only_changes": ("Only what changed", "바뀐 줄만"),
    "recorded": ("Recorded {when} in {seconds:g} s", "{when} 기록, {seconds:g}초"),
    "foot": (
        "Made by “make lab”. The records beside this page, one JSON file for each stage, hold all that is shown here.",
        "“make lab”이 만들었다. 이 파일 옆의 단계별 JSON 기록에 여기 나온 모든 값이 있다.",
    ),
    # Why.
    "why.quota": (
        "Between reading the count and writing the row there is a gap. Others read the same count in that gap, and each of them writes a row.",
        "개수를 읽고 행을 쓰기까지 틈이 있다. 그 틈에 다른 사람들이 같은 개수를 읽고, 저마다 행을 쓴다.",
    ),
    "why.answered": (
        "Everybody waits in one line, and holds a connection while waiting. The pool runs dry, and the rest get an error page instead of an answer.",
        "모두가 한 줄에서 기다리며 연결을 하나씩 쥐고 있다. 풀이 바닥나고, 나머지는 답 대신 오류 화면을 본다.",
    ),
    "why.one_each": (
        "Nothing remembers who has applied already: each press counts as a new person.",
        "누가 이미 신청했는지 아무 데도 남지 않는다. 누를 때마다 새 사람으로 센다.",
    ),
    "why.mysql_pause": (
        "The answer comes after MySQL's commit. When MySQL waits, the person waits with it.",
        "답은 MySQL의 커밋 뒤에 온다. MySQL이 기다리면 사람도 함께 기다린다.",
    ),
    "why.retried": (
        "What MySQL refused is noted in failed_event, and nothing reads that table.",
        "MySQL이 거절한 것을 failed_event에 적지만, 그 테이블을 읽는 것이 없다.",
    ),
    "why.crash": (
        "Redis has counted the person in one step, and the next step is another command. A server that dies between the two leaves her counted, without a coupon.",
        "Redis는 한 단계에서 사람을 세었고 다음 단계는 다른 명령이다. 그 사이에 서버가 죽으면 세어지기만 하고 쿠폰은 없다.",
    ),
    "why.crash.3": (
        "INCR has taken a number, and the INSERT comes later. A server that dies between the two has used up a coupon that nobody gets.",
        "INCR이 번호를 가져갔고 INSERT는 그 뒤다. 그 사이에 서버가 죽으면 아무도 받지 못하는 쿠폰이 하나 소모된다.",
    ),
    "why.kafka": (
        "send() only puts the record into the memory of the app server. The person reads “accepted” before Kafka has it; when the process goes, the record goes with it.",
        "send()는 레코드를 앱 서버의 메모리에 넣을 뿐이다. Kafka가 받기 전에 사람은 “accepted”를 보고, 프로세스가 사라지면 레코드도 사라진다.",
    ),
    "why.twice": (
        "The row is committed before the offset is. A consumer that dies between the two gets the batch again, and nothing in the table refuses a second row.",
        "행이 오프셋보다 먼저 커밋된다. 그 사이에 컨슈머가 죽으면 배치가 다시 오고, 테이블에는 두 번째 행을 거절하는 것이 없다.",
    ),
    "why.redis": (
        "Redis starts again with an older copy, so it counts again from the older number. Nothing compares it with MySQL.",
        "Redis가 오래된 사본으로 다시 시작해 예전 숫자부터 다시 센다. 그것을 MySQL과 비교하는 것이 없다.",
    ),
    "why.redis.8": (
        "Redis forgot, and gives the same serials to other people. Now the unique keys refuse their rows: not one too many, but those people read “accepted” and have no coupon.",
        "Redis가 잊고 같은 번호를 다른 사람에게 준다. 유니크 키가 그 행을 거절하므로 한 장도 더 나가지 않지만, 그 사람들은 “accepted”를 보고도 쿠폰이 없다.",
    ),
}


def word(key: str, **values: object) -> Text:
    """Return a sentence of the page in both languages; a value {"en", "ko"} is put in by language."""
    english, korean = WORDS[key]
    return {
        "en": english.format(**_of(values, "en")),
        "ko": korean.format(**_of(values, "ko")),
    }


def why(promise: str, stage: int) -> Text:
    """Return why a stage breaks a promise; 0 is the reader's own."""
    own = f"why.{promise}.{stage}"
    return word(own if own in WORDS else f"why.{promise}")


def _of(values: dict[str, object], language: str) -> dict[str, object]:
    return {
        name: value[language] if isinstance(value, dict) else value
        for name, value in values.items()
    }
