from trivet.core.values.rdb.forms import Form
from trivet.core.values.rdb.reader import _READERS


def test_every_form_has_its_reader():
    assert set(_READERS) == set(Form)
