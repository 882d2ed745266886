// What all stages share: the people, the calls of Kafka, and the error of a server.

export const PEOPLE = ["minji", "seojun", "yuna", "doyun"];
export const QUOTA = 3;

export class ServerError extends Error {}

export const send = (value) => ({
  server: "Kafka", text: `send coupon_create ${value}`,
  run: (world, program) => {
    const item = { value, number: (world.kafka.sent += 1), arrived: false };
    world.kafka.wire.push(item);
    program.sent.push(item);
    return item;
  },
});
export const ack = (...items) => ({
  server: "Kafka", text: "wait for the ack", isAck: true,
  run: (world, _, fate) => {
    const isWaiting = (item) => world.kafka.wire.includes(item);
    if (fate === "lose") world.kafka.wire = world.kafka.wire.filter((item) => !items.includes(item));
    if (!fate || fate === "unacknowledged") items.filter(isWaiting).forEach((item) => world.deliver(item));
    if (fate || !items.every((item) => item.arrived)) throw new ServerError("no ack");
    return "ack";
  },
});

export function refuseIf(locked) {
  if (locked) throw new ServerError("Lock wait timeout exceeded");
}
