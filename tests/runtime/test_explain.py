"""What a compiled function tells of itself."""

import re
from html.parser import HTMLParser

import pytest

import fathom
from fathom import nn
from fathom.errors import ArgumentError
from fathom.naming import UnknownNameError
from fathom.nn import functional as F
from fathom.runtime.drawing import Arrow, Box, draw
from fathom.runtime.explain import STAGES

first, second = nn.Linear(12, 8), nn.Linear(8, 3)
optimizer = fathom.optim.Adam([*first.parameters(), *second.parameters()], lr=0.01)


def train(x, y):
    optimizer.zero_grad()
    hidden = F.relu(first(x))
    loss = F.cross_entropy(second(hidden), y)
    loss.backward()
    optimizer.step()
    return loss


@pytest.fixture(scope="module")
def step():
    compiled = fathom.compile(train)
    fathom.manual_seed(0)
    for _ in range(2):
        compiled(fathom.randn(16, 12), fathom.randint(0, 3, (16,)))
    return compiled


def line_of(text):
    """The line of `train` that begins so, as stages name it."""
    start = train.__code__.co_firstlineno
    with open(__file__, encoding="utf-8") as file:
        lines = file.read().splitlines()
    number = next(n for n in range(start, len(lines)) if lines[n].strip().startswith(text)) + 1
    return f"test_explain.py:{number}"


def test_the_overview_tells_every_stage(step):
    text = step.explain()
    assert text.startswith("train, compiled:\n")
    for stage in STAGES:
        assert f"\n  {stage} " in text


def test_recorded_operations_name_arguments_state_and_lines(step):
    text = step.explain("graph")
    assert re.search(rf"float32\[16, 12\] +input x +{line_of('hidden')}\n", text)
    assert re.search(r"float32\[8, 12\] +input first\.weight ", text)
    assert "input optimizer.param_groups[0]['lr']" in text
    assert "input optimizer.state[first.weight]['exp_avg']" in text
    assert re.search(rf"LogSoftmax\(v\d+, axis=1\) +{line_of('loss =')}\n", text)


def test_simplification_writes_composed_operations_out(step):
    text = step.explain("simplified")
    assert "LogSoftmax" not in text
    assert "Exp(" in text


def test_steps_come_from_lines_of_the_users_code(step):
    text = step.explain("kernels")
    assert re.search(r"^\d+  product, Add, Relu \(kernel \d+\), one thread alone$", text, re.M)
    assert f"from   {line_of('hidden')}  hidden = F.relu(first(x))\n" in text
    assert re.search(r"(writes|  ) +first\.weight float32\[8, 12\]", text)
    assert "result float32[]" in text


def test_memory_shows_where_temporaries_lie(step):
    *rows, total = step.explain("memory").splitlines()[1:]
    ends = []
    for row in rows:
        name, offset, size = re.match(r"(.+?) +([\d,]+) +([\d,]+) ", row).groups()
        assert name
        ends.append(int(offset.replace(",", "")) + int(size.replace(",", "")))
    arena = int(re.match(r"arena: ([\d,]+) bytes", total)[1].replace(",", ""))
    assert max(ends) <= arena < max(ends) + 64


def test_kernels_are_shown_as_loops_with_the_names_of_their_buffers(step):
    text = step.explain("loops")
    assert "product = sum over k < 12 of" in text
    assert re.search(r"# b\d+: first.weight float32\[8, 12\]", text)
    assert text.count("# kernel ") == len(re.findall(r"^# kernel \d+ of step", text, re.M))


def test_code_is_shown_in_every_language(step):
    assert "define void @kernel(ptr" in step.explain("llvm")
    assert "alloca" not in step.explain("optimized")
    assert "fma" in step.explain("assembly")


def test_each_program_of_a_function_can_be_shown():
    @fathom.compile
    def twice(x):
        return x + x

    with pytest.raises(ArgumentError, match="no program to explain yet: call it first"):
        twice.explain()
    twice(fathom.ones(3))
    twice(fathom.ones(4))
    assert "float32[4]" in twice.explain("graph")
    assert "float32[3]" in twice.explain("graph", program=1)
    with pytest.raises(ArgumentError, match="programs 0 to 1, not 2"):
        twice.explain("graph", program=2)


def test_a_stage_of_another_name_is_refused(step):
    with pytest.raises(UnknownNameError, match="did you mean 'kernels'"):
        step.explain("kernel")


def test_a_function_without_tensors_of_its_own_is_explained():
    @fathom.compile
    def nothing(x):
        return x

    nothing(fathom.ones(2))
    for stage in STAGES:
        assert isinstance(nothing.explain(stage), str)


def test_a_call_back_is_told_apart():
    @fathom.compile
    def inverted(x):
        return fathom.linalg.inv(x) + 1

    inverted(fathom.eye(3))
    assert re.search(r"by NumPy, called back", inverted.explain("kernels"))
    assert "1 times NumPy" in inverted.explain()


class Page(HTMLParser):
    """The page as a parser sees it: whether tags are closed, what is linked, what is loaded."""

    EMPTY = frozenset({"meta"})

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.links, self.loaded = [], set(), set(), set()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.ids.add(found.get("id"))
        self.links.add(found.get("href"))
        self.loaded.add(found.get("src"))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_one_sound_file(step, tmp_path):
    step.explain_page(tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == []
    assert page.loaded == {None}
    assert {link[1:] for link in page.links if link} <= page.ids
    assert "<script" not in text
    assert "http" not in text
    assert "product, Add, Relu" in text
    assert "hidden = F.relu(first(x))" in text


def test_the_page_escapes_what_the_user_wrote(tmp_path):
    def quoted(x, y):
        return x < y  # <b> & "so on"

    compiled = fathom.compile(quoted)
    x = fathom.ones(3)
    compiled(x, x + 1)
    compiled.explain_page(tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<b> &" not in text
    assert "return x &lt; y  # &lt;b&gt; &amp; " in text
    assert Page(text).open == []


def test_the_page_shows_a_profile_of_its_program_only(step, tmp_path):
    profile = step.profile(fathom.randn(16, 12), fathom.randint(0, 3, (16,)), repetitions=2)
    step.explain_page(tmp_path / "page.html", profile=profile)
    assert "of the time" in (tmp_path / "page.html").read_text(encoding="utf-8")
    other = fathom.compile(lambda x: x + 1)
    other(fathom.ones(2))
    with pytest.raises(ArgumentError, match="another program"):
        other.explain_page(tmp_path / "page.html", profile=profile)


def test_pictures_keep_boxes_apart():
    boxes = [Box([f"box {number}", "text"]) for number in range(12)]
    arrows = [Arrow(boxes[n], [boxes[m] for m in range(n + 1, 12) if m % (n + 2) == 0], f"t{n}")
              for n in range(6)]  # fmt: skip
    picture = draw(boxes, [arrow for arrow in arrows if arrow.targets])
    found = re.findall(
        r'<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"', picture
    )
    areas = [tuple(map(float, numbers)) for numbers in found]
    assert len(areas) == 12
    for number, (x, y, width, height) in enumerate(areas):
        for other_x, other_y, other_width, other_height in areas[:number]:
            is_beside = x >= other_x + other_width or other_x >= x + width
            is_below = y >= other_y + other_height or other_y >= y + height
            assert is_beside or is_below
