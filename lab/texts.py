"""Every sentence for people, in English and Korean. A result carries both: {"en": …, "ko": …}."""

from __future__ import annotations

from typing import Any, Literal

from lab.people import BY_ID

Language = Literal["en", "ko"]
Text = dict[str, str]

SENTENCES: dict[str, tuple[str, str]] = {
    # The promises, and what the lab does to test them.
    "quota": ("Never one too many", "한 장도 더 나가지 않는다"),
    "answered": ("Everybody gets an answer", "모두가 답을 받는다"),
    "one_each": ("One each", "한 사람에 한 장"),
    "mysql_pause": ("Nobody waits for MySQL", "아무도 MySQL을 기다리지 않는다"),
    "retried": ("What MySQL refuses is tried again", "MySQL이 거절한 것은 다시 시도한다"),
    "crash": ("A crash costs nobody a coupon", "서버가 죽어도 쿠폰을 잃지 않는다"),
    "kafka": ("Accepted is never lost", "당첨은 사라지지 않는다"),
    "twice": ("Delivered twice, written once", "두 번 전달돼도 한 번만 쓴다"),
    "redis": ("Redis may forget its last second", "Redis가 마지막 1초를 잊어도 된다"),
    "quota.fault": ("1,000 people press at once for 100 coupons", "1,000명이 동시에 쿠폰 100장을 누른다"),
    "answered.fault": ("1,000 people press at once for 100 coupons", "1,000명이 동시에 쿠폰 100장을 누른다"),
    "one_each.fault": ("one person presses 50 times at once", "한 사람이 동시에 50번 누른다"),
    "mysql_pause.fault": (
        "an ALTER TABLE holds the table coupon while 40 people press",
        "40명이 누르는 동안 ALTER TABLE이 coupon 테이블을 잠근다",
    ),
    "retried.fault": (
        "an ALTER TABLE holds the table coupon while 40 people press",
        "40명이 누르는 동안 ALTER TABLE이 coupon 테이블을 잠근다",
    ),
    "crash.fault": (
        "the app server is killed after each of its steps, and the person presses again",
        "앱 서버가 각 단계 뒤에 죽고, 그 사람이 다시 누른다",
    ),
    "kafka.fault": (
        "Kafka stands still for 3 seconds, and the app server is replaced meanwhile",
        "Kafka가 3초 동안 멈추고, 그사이 앱 서버가 교체된다",
    ),
    "twice.fault": (
        "the consumer is killed after each of its steps, and the batch comes again",
        "컨슈머가 각 단계 뒤에 죽고, 같은 배치가 다시 온다",
    ),
    "redis.fault": (
        "Redis is killed and starts with a copy that is one second old",
        "Redis가 죽고 1초 전 사본으로 다시 시작한다",
    ),
    "promises": ("The promises, by stage", "단계별 약속"),
    "stage1": ("count in MySQL", "MySQL에서 세기"),
    "stage2": ("a row lock", "행 잠금"),
    "stage3": ("Redis counts", "Redis가 센다"),
    "stage4": ("one each", "한 사람에 한 장"),
    "stage5": ("Kafka in between", "사이에 Kafka"),
    "stage6": ("failed_event and the batch", "failed_event와 배치"),
    "stage7": ("one script", "스크립트 하나"),
    "stage8": ("ack, unique keys, relay", "ack, 유니크 키, 릴레이"),
    "stage9": ("epoch and rebuild: seonchak itself", "에포크와 재구축: 선착 그 자체"),
    "all_kept": ("Every promise was kept.", "모든 약속이 지켜졌다."),
    "as_expected": ("Each stage did what its page says.", "각 단계가 설명한 대로 움직였다."),
    "not_as_expected": (
        "Stage {stage} did not do what its page says: {promises}.",
        "{stage}단계가 설명과 다르게 움직였다: {promises}.",
    ),
    "busy": (
        "This machine has other work (load {load:.0f} on {cores} cores): that looks like slow servers. Try again alone.",
        "이 컴퓨터에서 다른 작업도 돌고 있다(코어 {cores}개에 부하 {load:.0f}). 느린 서버처럼 보이므로 혼자 다시 돌려 본다.",
    ),
    "runs": ("{right} of {runs} runs went so.", "{runs}번 중 {right}번 그랬다."),
    "some_broken": ("{count} promises were broken.", "약속 {count}개가 깨졌다."),
    "took": ("{seconds:.1f} s; recorded in {folder}", "{seconds:.1f}초. 기록은 {folder}에 있다"),
    "report": ("The report, for a browser: {path}", "브라우저로 볼 보고서: {path}"),
    "playground": ("The playground, for a browser: {path}", "브라우저로 볼 놀이터: {path}"),
    "without_distance": (
        "With servers 0 ms away instead of {ms:g} ms: {seen}.",
        "서버까지의 거리가 {ms:g}ms가 아니라 0ms라면: {seen}.",
    ),
    "held": ("The burst again, and the servers run on until Ctrl-C:", "버스트를 한 번 더 실행했고, 서버는 Ctrl-C까지 계속 돈다:"),
    # What was seen: the summary of a cell.
    "quota.seen": ("{rows} coupons of {quota}", "쿠폰 {quota}장 중 {rows}장"),
    "answered.seen": ("{unanswered} of {presses} without an answer", "{presses}명 중 {unanswered}명이 답을 못 받음"),
    "one_each.seen": ("coupons of one person: {rows}", "한 사람에게 {rows}장"),
    "mysql_pause.seen": ("{late} of {presses} waited or got an error", "{presses}명 중 {late}명이 기다리거나 오류를 봄"),
    "retried.seen": ("{lost} of {accepted} accepted without a coupon", "당첨 {accepted}명 중 {lost}명이 쿠폰 없음"),
    "crash.seen": (
        "{barred} of {killed} barred, {unused} coupons nobody's",
        "{killed}명 중 {barred}명이 막힘, 주인 없는 쿠폰 {unused}장",
    ),
    "kafka.seen": ("{lost} of {accepted} accepted without a coupon", "당첨 {accepted}명 중 {lost}명이 쿠폰 없음"),
    "twice.seen": ("{rows} coupons for {people} people", "{people}명에게 {rows}장"),
    "redis.seen": (
        "{rows} coupons of {quota}, {lost} accepted without one",
        "쿠폰 {quota}장 중 {rows}장, 당첨됐지만 쿠폰 없는 사람 {lost}명",
    ),
    # What happened to one person.
    "too_many": (
        "{name} has a coupon, and {before} people had one before her: there are {quota}.",
        "{name} 님도 쿠폰을 받았는데, 이미 {before}명이 받은 뒤였다. 쿠폰은 {quota}장이다.",
    ),
    "no_answer": ("{name} waited {ms:,.0f} ms for an error page: {error}", "{name} 님은 {ms:,.0f}ms를 기다려 오류를 보았다: {error}"),
    "late_answer": ("{name} waited {ms:,.0f} ms for her answer.", "{name} 님은 답을 {ms:,.0f}ms 기다렸다."),
    "several": ("{name} has {coupons} coupons.", "{name} 님은 쿠폰이 {coupons}장이다."),
    "lost": ("{name} read “accepted”, and has no coupon.", "{name} 님은 “accepted”를 보았지만 쿠폰이 없다."),
    "barred": (
        "{name}'s app server was killed after step {step}; she pressed again, read “{answer}”, and has no coupon.",
        "{name} 님의 앱 서버가 {step}번째 단계 뒤에 죽었다. 다시 눌러 “{answer}”을(를) 보았고 쿠폰이 없다.",
    ),
    "unused": (
        "{name} read “sold out”, and {unused} of {quota} coupons are nobody's.",
        "{name} 님은 “매진”을 보았는데, {quota}장 중 {unused}장은 주인이 없다.",
    ),
    # One line of a timeline.
    "event.press": ("presses", "누른다"),
    "event.answer": ("reads “{answer}”", "“{answer}”을(를) 본다"),
    "event.killed": ("is killed", "죽는다"),
    "event.locked": ("an ALTER TABLE locks the table coupon", "ALTER TABLE이 coupon 테이블을 잠근다"),
    "event.frozen": ("Kafka is frozen", "Kafka가 멈춘다"),
    "event.resumed": ("Kafka goes on", "Kafka가 다시 움직인다"),
    "event.replaced": ("the app server is replaced: its process is killed", "앱 서버를 교체한다: 프로세스가 죽는다"),
    "event.copied": ("Redis writes a copy to its disk", "Redis가 사본을 디스크에 쓴다"),
    "event.restarted": ("Redis is killed, and starts with the copy", "Redis가 죽고, 사본으로 다시 시작한다"),
    "event.pool": ("waits for a connection of the pool: {answer}", "풀의 연결을 기다린다: {answer}"),
    "event.rows": ("her coupons at the end: {coupons}", "마지막에: 이 사람의 쿠폰 {coupons}장"),
    # A mistake in the stage's file.
    "exception": ("{detail}", "{detail}"),
    "hang": ("it was still here after {detail} s", "{detail}초가 지나도 여기에 있었다"),
    "syntax": ("Python cannot read it: {detail}", "파이썬이 읽을 수 없다: {detail}"),
    "missing": ("there is no function {detail}", "{detail} 함수가 없다"),
    "no_tables": ("there is no list {detail} of CREATE TABLE statements", "CREATE TABLE 문의 목록 {detail}이(가) 없다"),
    "table": ("MySQL refuses a table: {detail}", "MySQL이 테이블을 거절한다: {detail}"),
    "not_python": ("{detail} is not a Python file", "{detail}은(는) 파이썬 파일이 아니다"),
    "wrong_answer": (
        "apply returned {detail}; it must be “accepted”, “sold out”, “already applied” or “try again”",
        "apply가 {detail}을(를) 돌려주었다. “accepted”, “sold out”, “already applied”, “try again” 중 하나여야 한다",
    ),
}  # fmt: skip


def text(key: str, **values: Any) -> Text:
    """Return a sentence in both languages; `user_id` becomes the name of a person."""
    found = {}
    for language, sentence in zip(("en", "ko"), SENTENCES[key], strict=True):
        named = dict(values)
        if "user_id" in named:
            named["name"] = getattr(BY_ID[named["user_id"]], language)
        found[language] = sentence.format(**named)
    return found
