# SPDX-License-Identifier: MIT
"""Dashboard, alert rules and docs/metrics.md name existing metrics only, and docs/metrics.md all."""

import json
import re
import unittest

import admin_client
import logdoc
import peers
import scrape
import support

METRIC = re.compile(r"\b((?:tlsecho|process)_\w+|up)\b(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"([^"]*)"')
GROUPED = re.compile(r"\bby \(([^)]*)\)")
ROW = re.compile(r"^\| `((?:tlsecho|process)_\w+)` \| (\w+) \| ([^|]*)\|", re.MULTILINE)
OF_THE_SCRAPER = {"job", "instance"}
STAPLED = """
  stapled:
    certificates: [ { certificate: "{pki}/server-rsa.pem", key: "{pki}/server-rsa.key" } ]
    client_auth: required
    client_ca: "{pki}/ca.pem"
    crl: "{pki}/crl.pem"
"""


class Names(support.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.alerts = (support.REPOSITORY / "packaging/prometheus/tlsecho-alerts.yaml").read_text()
        dashboard = (support.REPOSITORY / "packaging/grafana/tlsecho.json").read_text()
        cls.dashboard = json.loads(dashboard)

    def scrape(self):
        admin = "admin: { listen: 'tcp://127.0.0.1:0' }\n"
        listeners = "listeners:\n  - listen: udp://127.0.0.1:0\n  - listen: dtls://127.0.0.1:0\n"
        server = self.server(support.EVERYTHING.replace("listeners:\n", listeners)
                             + STAPLED.lstrip("\n") + admin)
        with peers.Tls(server.address("tls")) as peer:
            peer.exchange(b"x")
        server.wait_for("connection")
        return admin_client.metrics(server)

    def expressions(self):
        """All queries to Prometheus, and the labels that are shown of their results."""
        text = re.sub(r"(?m)^ *#.*$", "", self.alerts)
        alerts = re.findall(r"expr: (?:>-\n)?(.*?)\n +(?:for|labels):", text, re.DOTALL)
        self.assertEqual(len(alerts), text.count("- alert:"))
        targets = [target["expr"] for panel in self.dashboard["panels"]
                   for target in panel.get("targets", ())]
        variables = [variable["query"] for variable in self.dashboard["templating"]["list"]]
        notes = [note["expr"] for note in self.dashboard["annotations"]["list"]]
        return alerts + targets + variables + notes

    def samples_by_name(self, families):
        """{name of the samples: (labels, values by label)}"""
        found = {"up": {}}
        for family in families.values():
            for suffix in scrape.SUFFIXES.get(family.type, ("",)):
                labels = found.setdefault(family.name + suffix, {})
                for sample in family.samples:
                    for key, value in sample.labels.items():
                        if sample.name == family.name + suffix:
                            labels.setdefault(key, set()).add(value)
        return found

    def test_every_metric_label_and_word_that_is_asked_for_exists(self):
        known = self.samples_by_name(self.scrape())
        words = {"end": logdoc.endings(), "result": logdoc.endings() | {"ok", "refused"},
                 "resumed": {"true", "false"}}
        expressions = self.expressions()
        self.assertGreater(len(expressions), 40)
        for expression in expressions:
            with self.subTest(expression):
                labels = set(OF_THE_SCRAPER)
                for name, selector in METRIC.findall(expression):
                    self.assertIn(name, known)
                    if not known[name]:  # this server has no CRL and no OCSP response
                        labels |= {"profile", "file"}
                    labels |= set(known[name])
                    for label, _, value in MATCHER.findall(selector):
                        self.assertIn(label, labels)
                        if "$" not in value and label not in OF_THE_SCRAPER:
                            allowed = words.get(label) or known[name][label]
                            self.assertLessEqual(set(value.split("|")), allowed)
                for group in GROUPED.findall(expression):
                    self.assertLessEqual(set(group.split(", ")), labels)

    def test_every_metric_is_shown_or_watched(self):
        asked_for = {name for expression in self.expressions() for name, _ in METRIC.findall(expression)}
        families = self.scrape()
        del families["tlsecho_identity_info"]  # others are joined with it
        for family in families.values():
            with self.subTest(family.name):
                self.assertTrue(any(family.name + suffix in asked_for
                                    for suffix in scrape.SUFFIXES.get(family.type, ("",))))

    def test_what_is_shown_of_an_answer_is_a_label_that_it_has(self):
        for panel in self.dashboard["panels"]:
            for target in panel.get("targets", ()):
                for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
                    with self.subTest(panel["title"], label=label):
                        grouped = GROUPED.search(target["expr"])
                        names = set(grouped[1].split(", ")) if grouped else {
                            "instance", "profile", "file"}
                        self.assertIn(label, names)

    def test_no_two_panels_share_an_id_or_a_place(self):
        panels = self.dashboard["panels"]
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
        squares = [(x, y) for panel in panels
                   for x in range(panel["gridPos"]["x"],
                                  panel["gridPos"]["x"] + panel["gridPos"]["w"])
                   for y in range(panel["gridPos"]["y"],
                                  panel["gridPos"]["y"] + panel["gridPos"]["h"])]
        self.assertEqual(len(set(squares)), len(squares))

    def test_the_document_lists_what_is_exported(self):
        families = self.scrape()
        text = (support.REPOSITORY / "docs" / "metrics.md").read_text()
        documented = {name: (kind, set(re.findall(r"`(\w+)`", labels)))
                      for name, kind, labels in ROW.findall(text)}
        self.assertEqual(set(documented), set(families))
        for name, (kind, labels) in documented.items():
            with self.subTest(name):
                self.assertEqual(families[name].type, kind)
                found = {key for sample in families[name].samples for key in sample.labels}
                self.assertIn(found - {"le"}, (labels, set()))


if __name__ == "__main__":
    unittest.main()
