import html
import json
import re
from html.parser import HTMLParser

from picture_runs import NASTY, everything, many

from trivet.lab.pictures.page import draw_page


class Tags(HTMLParser):
    """All tags, and what stands in scripts."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.scripts = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data):
        if self.tags and self.tags[-1][0] == "script" and self.scripts:
            self.scripts[-1] += data


def data_of(page):
    return json.loads(re.search(r'id="data">(.*?)</script>', page, re.S).group(1))


def test_a_page_loads_nothing():
    page = draw_page(everything(), ["One.", "Two."], "all good")
    for tag, attributes in Tags(page).tags:
        assert not {"src", "srcset", "action", "data"} & attributes.keys(), tag
        assert tag != "link" or attributes["href"] == "data:,"
    assert not re.search(r"""(https?:)?//[a-z]|@import|url\(""", re.sub(r"//.*", "", page))
    assert "default-src 'none'" in page


def test_no_text_of_a_run_ends_its_script_or_becomes_markup():
    page = draw_page(everything(NASTY), [NASTY], NASTY, title=NASTY)
    plain = Tags(draw_page(everything(), ["p"], "v"))
    assert [tag for tag, _ in Tags(page).tags] == [tag for tag, _ in plain.tags]
    assert html.escape(NASTY).replace("@", "&#64;") in page
    assert any(NASTY in row[5] for row in data_of(page)["operations"])


def test_the_data_is_the_whole_recording():
    recording = everything()
    data = data_of(draw_page(recording))
    assert len(data["messages"]) == len(recording.messages)
    assert data["roles"] == ["follower", "candidate", "leader", "down", "paused"]
    never = [row for row in data["operations"] if row[4] == -1]
    assert [row[5] for row in never] == ["SET x 2"]
    assert [row[4] for row in data["sayings"]] == [False, True]


def test_the_verdict_is_red_when_a_judge_complained():
    recording = everything()
    assert 'class="verdict bad"' in draw_page(recording, verdict="no")
    recording.sayings = []
    assert 'class="verdict bad"' not in draw_page(recording, verdict="yes")
    assert 'class="verdict bad"' in draw_page(recording, verdict="blocked", good=False)


def test_equal_recordings_give_equal_bytes():
    assert draw_page(many(50)) == draw_page(many(50))
