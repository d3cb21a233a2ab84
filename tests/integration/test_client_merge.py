# SPDX-License-Identifier: MIT
"""tlsecho-client --merge of files from untrusted sources, in all forms of output."""

import concurrent.futures
import copy
import json
import math
import pathlib
import random
import re
import tempfile
import unittest

import pages
import support

HOSTILE = "<script>\x1b[31m\u202e\u2028\x9b\"&'"
BIG = 2 ** 63 - 1
NESTED = "[" * 1000 + "]" * 1000
# A value that no field of that kind has, for one field of each kind. tests/unit/client/modes/test_summary_form.c
# has every field and more values.
WRONG = ((("messages",), BIG, "messages is not a whole number"),
         (("load", "threads"), HOSTILE, "load.threads is not a whole number"),
         (("client", "cpu_user"), 1e300, "client.cpu_user is not a number"),
         (("duration",), None, "duration is not a number"),
         (("transport",), HOSTILE, "transport is not a word"),
         (("load", "kind"), "tcp" * 100, "load.kind is not a word"),
         (("started",), HOSTILE, "started is not a time"),
         (("interrupted",), HOSTILE, "interrupted is not a boolean"),
         (("load",), HOSTILE, "load is not an object"),
         (("latency", "histogram"), [[1e-4, 2 ** 53 - 1]] * 2048, "latency.count is not the sum"),
         (("latency", "mean"), 5, "latency: mean and stddev are impossible"),
         (("failures",), {HOSTILE: 3}, "failures has a word that is not a result"),
         (("duration",), 1e-300, "duration is shorter"),
         (("messages",), 21, "messages_per_second is not messages / duration"),
         (("messages",), 19, "latency.count is more than messages"),
         (("connect", "count"), 2, "connect.count is not the sum"),
         (("connections",), 0, "connect.count is more than connections"),
         (("duration",), 7, "messages_per_second is not messages / duration"),
         (("bytes_received",), 1, "bytes_received_per_second is not bytes_received / duration"),
         (("resumed",), 2, "resumed is more than connections"),
         (("latency", "p90"), 1e-9, "latency.p90 is not that of its histogram"),
         (("result",), HOSTILE, "result is not the word for exit"),
         (("mode",), HOSTILE, "not a summary"))


class Merge(support.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.temporary = tempfile.TemporaryDirectory(prefix="tlsecho-merge-")
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.folder = pathlib.Path(cls.temporary.name)

    def setUp(self):
        server = self.server(support.EVERYTHING)
        done = support.client("--bench", "--json", "-n20", server.endpoint("tcp"))
        self.measured = json.loads(done.stdout)
        self.good = support.without_rates(self.measured)

    def changed(self, path, value):
        summary = copy.deepcopy(self.measured)
        *way, last = path
        place = summary
        for step in way:
            place = place[step]
        place[last] = value
        return summary

    def check_shown(self, text):
        """The output has no unescaped text of the file, and every number in it is one."""
        for character in "\x1b\u202e\u2028\x9b":
            self.assertNotIn(character, text)
        self.assertNotRegex(text, r"(?i)\b(inf|nan)\b")
        self.assertNotRegex(text, r"[ :,]-\d")

    def merge(self, text, status, name="summary.json"):
        """Merges with every form of output. Returns the message, if it fails, and the JSON object."""
        file, page = self.folder / name, self.folder / "page.html"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        page.unlink(missing_ok=True)
        forms = (), ("--json",), ("--report-html", page)
        with concurrent.futures.ThreadPoolExecutor(len(forms)) as pool:
            words, done, paged = pool.map(lambda form: support.client("--merge", *form, file), forms)
        self.assertEqual((words.status, done.status, paged.status), (status,) * 3,
                         (words.stderr, done.stdout))
        for shown in words.stdout.decode(), words.stderr, done.stdout.decode(), paged.stderr:
            self.check_shown(shown)
        summary = support.described(done.stdout)
        self.assertEqual(page.exists(), status == 0)
        if status:
            self.assertEqual(len(words.stderr.splitlines()), 1)
            return summary["error"]["message"], summary
        self.check_shown(re.sub(r"<style>.*</style>|<(path|text|svg)[^>]*>", "", page.read_text(),
                                flags=re.S))
        pages.parse(page.read_text())
        return None, summary

    def refuse(self, text, says):
        message, _ = self.merge(text, 2)
        self.assertRegex(message, says)

    def test_what_it_was_made_of_is_taken(self):
        _, summary = self.merge(json.dumps(self.measured), 0)
        self.assertEqual(summary["messages"], 20)

    def test_a_field_that_is_wrong_is_named_and_not_printed(self):
        for path, value, says in WRONG:
            with self.subTest(path=path, value=str(value)[:40]):
                message, _ = self.merge(json.dumps(self.changed(path, value)), 2)
                self.assertIn(f": {says}", message)
                self.assertNotIn("script", message)

    def test_the_largest_that_are_taken_add_up(self):
        most = support.without_rates(self.changed(("messages",), 2 ** 53 - 1))
        most.update(bytes_sent=2 ** 53 - 1, bytes_received=2 ** 53 - 1, duration=1e-6)
        most["load"].update(connections=4194304, threads=4194304)
        _, summary = self.merge(self.several(most, 1000), 0)
        self.assertEqual(summary["messages"], 1000 * (2 ** 53 - 1))
        self.assertEqual(summary["load"]["connections"], 1000 * 4194304)
        self.refuse(self.several(self.good, 1001), "more than 1000 summaries")

    def several(self, summary, count):
        """Files of several runs, each of which began after the one before."""
        return "".join(json.dumps(summary | {"started": f"2026-11-29T08:{i // 60:02}:{i % 60:02}.000Z"})
                       for i in range(count))

    def test_invalid_json_is_refused(self):
        good = json.dumps(self.good)
        for text in ("", "\n", "x", HOSTILE, "[]", "7", "{}", good[:-1], good + "x" + HOSTILE,
                     good + "{}", good + "[]", good.replace('"tcp"', '"a\\u0000b"'),
                     good.replace('"tcp"', '"tcp","transport":"tls"'), "[" * 100000,
                     '{"a":' * 100000, good.encode().replace(b'"tcp"', b'"\xff\xfe"'),
                     b"\xef\xbb\xbf" + good.encode(), bytes(range(256))):
            with self.subTest(text=text[:40]):
                self.refuse(text, ": not a summary: give what --bench --json prints on standard output, alone$")

    def test_the_place_of_a_number_that_no_parser_holds_is_told(self):
        for path in ("messages",), ("load", "connections"), ("client", "cpu_user"):
            for number in str(2 ** 64), str(-2 ** 64), "1e999":
                before, _, after = json.dumps(self.changed(path, HOSTILE)).partition(json.dumps(HOSTILE))
                with self.subTest(path=path, number=number):
                    self.refuse(before + number + after,
                                f": the number that ends in line 1, column {len(before + number)} is none that "
                                "--bench --json prints$")

    def test_what_is_not_read_may_be_anything(self):
        text = json.dumps(self.changed(("unknown",), HOSTILE)).replace(
            '"unknown"', f'"nested": {NESTED}, "unknown"')
        self.merge(text, 0)
        self.merge(json.dumps(self.changed(("endpoint",), HOSTILE)), 0)

    def test_two_objects_in_a_file_count_both_however_they_are_parted(self):
        good = json.dumps(self.good)
        other = json.dumps(self.changed(("client", "cpu_user"), 0.5))
        for between in "", " ", "\n", "\r\n\t":
            _, summary = self.merge(good + between + other, 0)
            self.assertEqual((summary["clients"], summary["messages"]), (2, 40))
        message, _ = self.merge(good + json.dumps(self.changed(("duration",), -1)), 2)
        self.assertIn("duration is not a number", message)

    def test_a_hyphen_is_standard_input(self):
        (self.folder / "one").write_text(json.dumps(self.changed(("client", "cpu_user"), 0.5)))
        done = support.client("--merge", "--json", self.folder / "one", "-", data=json.dumps(self.good).encode())
        self.assertEqual((done.status, support.described(done.stdout)["clients"]), (0, 2), done.stderr)
        for data in b"", b"\xff":
            done = support.client("--merge", "-", data=data)
            self.assertEqual(done.status, 2)
            self.assertIn("tlsecho-client: -: not a summary: ", done.stderr)

    def random_summary(self, random_, start_at):
        """Of one client; with start_at, which all others have too, its start is exact."""
        one = copy.deepcopy(self.good)
        count, start_ms = random_.randrange(1, 1000), random_.randrange(4000)
        buckets = [[0.0001, count], [random_.choice((0.001, 0.01, 0.1)), 2 * count]]
        mean = sum(s * n for s, n in buckets) / (3 * count)
        one.update(started=f"2026-11-29T08:00:{start_ms // 1000:02}.{start_ms % 1000:03}Z",
                   duration=random_.uniform(0.1, 1.5), messages=3 * count, connections=random_.randrange(1, 9),
                   latency={"count": 3 * count, "min": buckets[0][0], "max": buckets[1][0], "mean": mean,
                            "stddev": math.sqrt(sum(n * (s - mean) ** 2 for s, n in buckets) / (3 * count)),
                            "histogram": buckets},
                   failures={"reset": random_.randrange(1, 4)})
        one["load"].update(expect="upper", connections=random_.randrange(4000000, 4194304))
        if start_at:
            one["load"]["start_at"] = "2026-11-29T08:00:00.000000Z"
            one["start_late"] = random_.uniform(0, 1)
        if random_.random() < 0.2:
            one = {key: one[key] for key in ("schema", "mode", "started", "transport", "load")} | {
                "result": "reset", "exit": 12, "error": {"phase": "echo", "message": "reset"}, "duration": 0.5}
        return one

    def merged(self, parts):
        done = support.client("--merge", "--json", "-", data="".join(map(json.dumps, parts)).encode())
        return support.described(done.stdout)

    def merged_in_steps(self, random_, parts):
        """Merged by a random tree of merges."""
        if len(parts) == 1:
            return random_.choice((parts[0], self.merged(parts)))
        cut = random_.randrange(1, len(parts))
        return self.merged([self.merged_in_steps(random_, parts[:cut]), self.merged_in_steps(random_, parts[cut:])])

    def check_alike(self, one, other, place=""):
        """Equal but for rounding."""
        self.assertIs(type(one), type(other), place)
        if isinstance(one, dict):
            self.assertEqual(one.keys(), other.keys(), place)
            for key in one:
                self.check_alike(one[key], other[key], f"{place}.{key}")
        elif isinstance(one, list):
            self.assertEqual(len(one), len(other), place)
            for i, pair in enumerate(zip(one, other)):
                self.check_alike(*pair, f"{place}[{i}]")
        elif isinstance(one, float):
            self.assertTrue(math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-9), (place, one, other))
        elif not place.endswith("error.message"):
            self.assertEqual(one, other, place)

    def test_the_steps_of_a_merge_do_not_matter(self):
        for seed in range(4):
            with self.subTest(seed=seed):
                random_ = random.Random(seed)
                parts = [self.random_summary(random_, seed % 2) for _ in range(6)]
                whole = self.merged(parts)
                self.assertEqual(whole["clients"], 6)
                self.check_alike(self.merged_in_steps(random_, parts), whole)

    def test_a_client_that_started_late_has_the_same_effect_in_two_steps(self):
        late = {"start_late": 0.8, "started": "2026-11-29T08:00:00.800Z"}
        load = self.good["load"] | {"start_at": "2026-11-29T08:00:00.000000Z"}
        runs = [self.good | {"load": load, "duration": 1.0, "start_late": i * 1e-6,
                             "started": "2026-11-29T08:00:00.000Z"} for i in range(3)]
        runs[1].update(late)
        for whole in self.merged(runs), self.merged([self.merged(runs[:2]), runs[2]]):
            self.assertAlmostEqual(whole["duration"], 1.8)
            self.assertAlmostEqual(whole["start_spread"], 0.8)
            self.assertAlmostEqual(whole["messages_per_second_sum"], 60)

    def test_handshakes_of_which_none_resumed_stay_resumed_ones(self):
        run = {key: value for key, value in self.good.items() if key not in ("messages", "latency")}
        load = {"kind": "handshakes", "connections": 1, "threads": 1}
        runs = [run | {"load": load, "handshakes": 20, "resumed": 0, "connections": 20 + i} for i in range(3)]
        self.assertEqual(self.merged([self.merged(runs[:2]), runs[2]])["resumed"], 0)

    def test_a_sum_without_its_times_or_a_run_without_its_start_is_refused(self):
        whole = self.merged([self.good])
        for name in "times", "messages_per_second_sum":
            self.refuse(json.dumps({key: whole[key] for key in whole if key != name}),
                        f": {name} is missing: merge its files again$")
        self.refuse(json.dumps({key: self.good[key] for key in self.good if key != "started"}), ": started is missing")
        whole["times"]["spans"][0]["duration"] = 0
        self.refuse(json.dumps(whole), ": times.spans.0. is not a start")

    def test_a_read_that_fails_has_its_reason(self):
        done = support.client("--merge", self.folder)
        self.assertEqual((done.status, done.stderr),
                         (2, f"tlsecho-client: {self.folder}: read: Is a directory\n"))
        for redirection, reason in ("<&-", "Bad file descriptor"), (f"<{self.folder}", "Is a directory"):
            done = support.run("sh", "-c", f"exec {support.program('TLSECHO_CLIENT')} --merge - {redirection}")
            self.assertEqual((done.status, done.stderr), (2, f"tlsecho-client: -: read: {reason}\n"))

    def test_the_name_of_the_file_is_escaped(self):
        message, _ = self.merge("{}", 2, name=HOSTILE.replace("\x9b", ""))
        self.assertIn("\\u202e", message)


if __name__ == "__main__":
    unittest.main()
