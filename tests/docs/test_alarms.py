"""Every warning that the program can print is on the operator's page of the documents, with what to do about it.

The texts are taken from the sources: of each call that warns, the longest run of plain words of each text in it."""
import glob
import os
import re
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# What reaches log, terminal or page as a warning. The chat's sessions end with a reason that becomes one.
CALL = re.compile(r"\b(log_warn|log_error|log_write|irc_tell_state|irc_channel_end|fail|pause_recording)\(")
WARNS = {"log_write": "LOG_WARN", "irc_tell_state": "IRC_ALARM", "irc_channel_end": r"IRC_END_(LOGIN|IDENTITY|NETWORK)"}
SINKS_OWN = {"fail": "stream/live_link.c", "pause_recording": "stream/sink_mp4.c"}
LITERAL = re.compile(r'(?:"(?:\\.|[^"\\])*"\s*)+')
SHORTEST = 16  # letters; less is a name, a unit, or what stands in for a missing word


def call_text(source, begin):
    """The arguments of the call whose bracket opens before `begin`."""
    depth, at = 1, begin
    while depth and at < len(source):
        quoted = re.match(r'"(?:\\.|[^"\\])*"', source[at:])
        if quoted:
            at += quoted.end()
            continue
        depth += {"(": 1, ")": -1}.get(source[at], 0)
        at += 1
    return source[begin:at - 1]


def longest(literal):
    text = "".join(re.findall(r'"((?:\\.|[^"\\])*)"', literal)).replace('\\"', '"').replace("%%", "\0")
    pieces = [piece.replace("\0", "%").strip(" .,:;()") for piece in re.split(r"%[-+ #0-9.*]*[a-z]+", text)]
    return max(pieces, key=len)


def alarms():
    """(file, words of a warning)"""
    for folder in "app chatbot chatbot/irc dreamer engine/dream engine/cuda engine/cuda/module show stream web".split():
        for path in sorted(glob.glob(os.path.join(ROOT, folder, "*.c"))):
            with open(path, encoding="utf-8") as f:
                source = f.read()
            name = os.path.relpath(path, ROOT)
            for m in CALL.finditer(source):
                call, arguments = m.group(1), call_text(source, m.end())
                if SINKS_OWN.get(call, name) != name or not re.search(WARNS.get(call, ""), arguments):
                    continue
                for literal in LITERAL.findall(arguments):
                    words = longest(literal)
                    if len(words) >= SHORTEST:
                        yield name, words


class Alarms(unittest.TestCase):
    def test_each_is_explained(self):
        with open(os.path.join(ROOT, "docs", "operating.md"), encoding="utf-8") as f:
            page = " ".join(f.read().split())
        for name, words in sorted(set(alarms())):
            with self.subTest(file=name, words=words):
                self.assertTrue(words in page, "docs/operating.md says nothing about it")

    def test_they_are_found(self):
        found = {words for _, words in alarms()}
        self.assertGreater(len(found), 30)
        self.assertIn("does not answer to JOIN; is the channel's name right?", found)
        self.assertTrue(any("packets dropped so far" in words for words in found))


if __name__ == "__main__":
    unittest.main()
