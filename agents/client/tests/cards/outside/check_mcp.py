"""The exported server.json files, read by skillsaw: the schema that MCP's registry publishes, and its rules beyond that."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

EXPORTS = pathlib.Path(__file__).parent.parent / "exports"


def problems(server):
    """What skillsaw finds wrong with a file of that content."""
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "server.json").write_text(json.dumps(server), "utf-8")
        command = [sys.executable, "-m", "skillsaw", "lint", folder, "--format", "json"]
        output = subprocess.run(command, capture_output=True, text=True, check=False)
    report = json.loads(output.stdout)
    assert report["stats"]["repo_type"] == "mcp-registry", report
    return [one["message"] for one in report["violations"] if one["rule_id"].startswith("mcp-registry")]


class Mcp(unittest.TestCase):
    def test_exported_files_are_accepted(self):
        files = sorted(EXPORTS.glob("*.mcp.json"))
        self.assertEqual(len(files), 2)
        for path in files:
            with self.subTest(path.name):
                self.assertEqual(problems(json.loads(path.read_text("utf-8"))), [])

    def test_the_linter_can_refuse(self):
        server = json.loads(next(EXPORTS.glob("*.mcp.json")).read_text("utf-8"))
        wrong = {
            "name": "no-namespace",
            "description": "x" * 101,
            "version": "latest",
            "remotes": [{"type": "streamable-http", "url": "not an address"}],
        }
        for field, value in wrong.items():
            with self.subTest(field):
                self.assertNotEqual(problems({**server, field: value}), [])


if __name__ == "__main__":
    unittest.main()
