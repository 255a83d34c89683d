"""Ordinary text has one view, and nothing hidden."""

import base64
import hashlib
import random
import uuid

import pytest

from casemate.guard.views import views
from unit.guard.views.encoders import WORDS

RNG = random.Random(7)
BLOB = base64.b64encode(RNG.randbytes(900)).decode()
HASH = hashlib.sha256(b"x").hexdigest()

ORDINARY = {
    "english": "Please summarise the minutes of the council's meeting, and list who will do what. "
    "The state-of-the-art pump (see fig. 3) was repaired on 12 May 2024 at 10:45 a.m., I think.",
    "spanish": "Resume el acta de la reunión y enumera quién hará cada cosa. ¿Cuándo es?",
    "french": "Résumez le procès-verbal de la réunion et dites-moi qui fait quoi.",
    "german": "Fasse bitte das Protokoll der Sitzung zusammen; die Straßenbahn fährt.",
    "russian": "Кратко изложите протокол собрания и перечислите, кто что сделает. Он нам не нужен.",
    "arabic": "لخص محضر الاجتماع من فضلك واذكر من سيقوم بكل مهمة في الأسبوع القادم.",
    "hebrew": "סכם בבקשה את פרוטוקול הישיבה וציין מי עושה מה.",
    "chinese": "请总结会议纪要,并列出每个人的任务。下周三上午十点再开会,地点另行通知。",
    "korean": "회의록을 요약하고 누가 무엇을 할지 목록으로 작성해 주세요. 다음 주에 다시 만납니다.",
    "japanese": "会議の議事録を要約して、誰が何をするかを一覧にしてください。",
    "polish": "Proszę streścić protokół z zebrania i wypisać, kto co zrobi w przyszłym tygodniu.",
    "turkish": "Lütfen toplantı tutanağını özetleyin ve kimin ne yapacağını listeleyin.",
    "vietnamese": "Hãy tóm tắt biên bản cuộc họp và liệt kê ai sẽ làm gì trong tuần tới nhé.",
    "finnish": "Tiivistä kokouksen pöytäkirja ja luettele, kuka tekee mitäkin ensi viikolla.",
    "greek": "Συνόψισε τα πρακτικά της συνεδρίασης και γράψε ποιος θα κάνει τι.",
    "hindi": "कृपया बैठक का सारांश लिखें और बताएं कि कौन क्या करेगा।",
    "thai": "กรุณาสรุปรายงานการประชุมและระบุว่าใครทำอะไร",
    "python": "def main(argv=None):\n    for i, x in enumerate(sorted(argv or [])):\n"
    "        print(f'{i:02d} {x!r}')\n    return max(len(x) for x in argv) if argv else 0\n",
    "c": '#include <stdio.h>\nint main(void) { char *p = "a\\n"; for (int i = 0; i < 10; i++) '
    'printf("%d %s\\n", i, p); return 0; }',
    "json": '{"name": "web-frontend", "version": "1.2.3", "ports": [80, 443, 8080], "tls": true, '
    '"env": {"LOG_LEVEL": "debug", "TZ": "Europe/Berlin"}}',
    "yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  labels: {app: web}\n"
    "spec:\n  replicas: 3\n  template:\n    spec:\n      containers:\n      - image: nginx:1.27\n",
    "html": '<p>The <b>first</b> item &amp; the <a href="/x?a=1&amp;b=2">second</a> one.</p><br/>',
    "log": "2024-05-12T10:45:01.123Z INFO [worker-3] GET /api/v1/items?id=42 200 13ms 10.0.0.17\n"
    "2024-05-12T10:45:02.004Z WARN [worker-1] retry 2/5 after 1.5s: ECONNRESET",
    "table": "| a | b | c |\n|---|---|---|\n| 1 | 20 | 300 |\n| 4 | 50 | 600 |\n",
    "numbers": "12, 45, 78, 23, 56, 89, 34, 67, 90, 11, 44, 77, 101, 120, 99, 87, 65, 70, 72, 75",
    "hash": f"commit {HASH[:40]}\nsha256:{HASH}\nimage@sha256:{HASH}",
    "uuid": f"id {uuid.UUID(int=RNG.getrandbits(128))} and {uuid.UUID(int=RNG.getrandbits(128))}",
    "mac": "eth0 52:54:00:12:34:56, fe80::5054:ff:fe12:3456, 192.168.122.1/24",
    "mail": "Write to jane.doe@example.com, or to support+tickets@mail.example.org, by 5 p.m.",
    "address": "https://www.example.com/path/to/page.html?utm_source=news&id=4aF3#section-2",
    "blob": f"data:image/png;base64,{BLOB}",
    "key": f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{BLOB[:43]} me@host",
    "identifiers": "getElementById, XMLHttpRequest, snake_case_name, kebab-case-name, utf8mb4, "
    "md5sum, sha256sum, x86_64, ipv6, k8s, i18n, log4j, s3cmd, h264, e2e, p2p, 3D, 4th, 10am",
    "initials": "J. R. R. Tolkien and C. S. Lewis met in the U.S.A. and the U.K., i.e. twice.",
    "letters": "Choose a, b, c or d. Then x = a + b * c - d / e, for i in 1 2 3 4 5 6 7 8 9.",
    "emoji": "Great job 👍🏽👩‍👩‍👧‍👦❤️ see you at 8 🏴󠁧󠁢󠁥󠁮󠁧󠁿 🇺🇸🇬🇧",
    "informal": "Soo good!!! www.example.org hmm... it's 5-ish, e-mail me, re-read it, wow!!",
    "formula": "E = mc², H₂O, x₁ + x₂ ≥ 10⁻³ μm, α ≈ 0.05, ∑ᵢ xᵢ, 50 °C, 3 kΩ, naïve café",
    "roman": "Chapter VIII, Henry VIII, Louis XIV, World War II, part iii, page xxxviii.",
    "diff": "--- a/foo.py\n+++ b/foo.py\n@@ -1,3 +1,4 @@\n-import os\n+import sys\n def f(): pass",
}


@pytest.mark.parametrize("name", ORDINARY)
def test_an_ordinary_text_has_one_view_and_nothing_hidden(name: str):
    seen = views(ORDINARY[name], WORDS)
    assert [view.how for view in seen.views] == [()], seen.views[1:]
    assert seen.hidden == ()
    assert seen.complete


def test_one_ordinary_text_after_the_other_has_one_view_and_is_searched_whole():
    whole = "\n\n".join(ORDINARY.values())
    seen = views(whole * 4, WORDS)
    assert [view.how for view in seen.views] == [()], seen.views[1:]
    assert seen.complete


def test_tokens_are_read_and_not_called_hidden():
    body = base64.urlsafe_b64encode(b'{"sub":"1234567890","name":"Jane","iat":1516239022}').decode()
    seen = views(f"Authorization: Bearer {body}")
    assert any('"name":"jane"' in view.text for view in seen.views)
    assert seen.hidden == ()
