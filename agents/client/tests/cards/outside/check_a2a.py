"""The exported and the published A2A cards, read by a2a-sdk."""

import json
import pathlib
import unittest

from a2a.compat.v0_3.conversions import to_core_agent_card
from a2a.compat.v0_3.types import AgentCard as AgentCard03
from a2a.types import AgentCard
from a2a.utils.errors import InvalidParamsError
from a2a.utils.proto_utils import validate_proto_required_fields
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError

CARDS = pathlib.Path(__file__).parent.parent


def cards(folder, pattern):
    return {path.name: json.loads(path.read_text("utf-8")) for path in sorted((CARDS / folder).glob(pattern))}


def read(card):
    """As 1.0 has it: a field that it does not know, a wrong type or a required field that is missing is an error."""
    message = ParseDict(card, AgentCard())
    validate_proto_required_fields(message)
    return message


class A2A(unittest.TestCase):
    def test_exported_cards_are_cards_of_1_0(self):
        exported = cards("exports", "*.a2a.json")
        self.assertEqual(len(exported), 7)
        for name, card in exported.items():
            with self.subTest(name):
                read(card)

    def test_published_cards_are_what_they_say(self):
        ours = {**cards("published", "a2a-1.0*.json"), **cards("published", "a2a-0.3*.json")}
        self.assertEqual(len(ours), 4)
        for name, card in ours.items():
            with self.subTest(name):
                AgentCard03.model_validate(card) if "0.3" in name else read(card)

    def test_a_card_of_0_3_is_converted_as_the_sdk_converts_it(self):
        for name, card in cards("published", "a2a-0.3*.json").items():
            with self.subTest(name):
                theirs = MessageToDict(to_core_agent_card(AgentCard03.model_validate(card)))
                exported = cards("exports", name.replace(".json", ".a2a.json"))
                ours = MessageToDict(read(*exported.values()))
                # Beside what the SDK writes there is the entry in the registry; the SDK names an interface twice if the card
                # does, and the second time by another version.
                ours["capabilities"]["extensions"].pop()
                both = [ours, theirs]
                places = [{(one["url"], one["protocolBinding"]) for one in side.pop("supportedInterfaces")} for side in both]
                self.assertEqual(*places)
                capabilities = [{key: value for key, value in side.pop("capabilities").items() if value != []} for side in both]
                self.assertEqual(*capabilities)
                self.assertEqual(ours, theirs)

    def test_the_reader_can_refuse(self):
        card = cards("published", "a2a-1.0.json")["a2a-1.0.json"]
        for field in card:
            if field == "capabilities":
                continue
            with self.subTest(field), self.assertRaises(InvalidParamsError):
                read({key: value for key, value in card.items() if key != field})
        with self.assertRaises(ParseError):
            read({**card, "url": "https://clerk.example"})


if __name__ == "__main__":
    unittest.main()
