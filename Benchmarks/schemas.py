#!/usr/bin/env python3
"""Holds a model of random logits to random JSON Schemas, and checks every text with Python's jsonschema.

usage: schemas.py [--count N] [--seed N] [--tool PATH] [--tokenizer DIR] [--keep FILE]

Schemas of every keyword that the tool documents are nested at random, with odd keys and token limits from 1
on. All go through one process. A text counts as valid if it parses (NaN refused), conforms to its schema (draft
2020-12, formats asserted), and its times are sampled instants in order. All schemas can be satisfied and use what is
supported, so none may be refused. Writes one line of JSON; ends with 1 where a schema is refused or a text not valid.
Needs jsonschema.
"""
import argparse
import collections
import datetime
import importlib.metadata
import json
import math
import platform
import random
import re
import statistics
import subprocess
import sys
import time

import jsonschema

KEYS = ["a", "b", "name", "count", "x-y", "ключ", "キー", "with space", "q\"uote", "back\\slash", "é", "e\u0301",
        "emoji😀", "\u0001", "long" * 20, "$ref", "0", "tab\t", "start", "end", "aa", "ab", "abc"]
PATTERNS = ["^[A-Z]{2}-[0-9]{3}$", "abc", "^a+b*$", "^(red|green|blue)$", "[0-9]$", "^\\d{1,3}\\.\\d{2}$", "^\\w+$",
            "^[^\"]{1,5}$", "^.{0,4}$", "^[а-я]{2,6}$", "^\\S+$", "^(?:ab|cd)+?x?$", "^[\\\\/\"]{2}$", "^\\D{3}$",
            "^[\\u4e00-\\u9fff]{1,3}$", "", "^$", "^\\s?x\\s?$", "^[^\\w]{1,3}$"]
FORMATS = ["date", "time", "date-time", "uuid", "ipv4"]


class Maker:
    def __init__(self, rng):
        self.rng = rng
        self.definitions = {}

    def value(self, depth=0):
        rng = self.rng
        value = rng.choice([None, True, False, 0, -1, 7, 3.5, 1e3, "", "x", "a b", "é\n\"", "日本", "\u007f"])
        if depth < 2 and rng.random() < 0.2:
            if rng.random() < 0.5:
                return [self.value(depth + 1) for _ in range(rng.randrange(4))]
            return {rng.choice(KEYS): self.value(depth + 1) for _ in range(rng.randrange(3))}
        return value

    def string(self):
        rng, schema = self.rng, {"type": "string"}
        kind = rng.random()
        if kind < 0.25:
            schema["pattern"] = rng.choice(PATTERNS)
        elif kind < 0.4:
            schema["format"] = rng.choice(FORMATS)
        else:
            if rng.random() < 0.4:
                schema["minLength"] = rng.choice([0, 1, 2, 5, 40])
            if rng.random() < 0.4:
                schema["maxLength"] = schema.get("minLength", 0) + rng.choice([0, 1, 3, 20])
        return schema

    def number(self):
        while True:
            schema = self.bounds()
            if expressible(schema):
                return schema

    def bounds(self):
        rng, schema = self.rng, {"type": self.rng.choice(["integer", "number"])}
        low = rng.choice([-1000000000000, -100, -1, -0.5, 0, 0.1, 1, 12, 99.5, 1e10, 2**53])
        width = rng.choice([0, 1, 9, 100, 0.25, 1e6, 1e16])
        if rng.random() < 0.5:
            schema[rng.choice(["minimum", "exclusiveMinimum"])] = low
        if rng.random() < 0.5:
            schema[rng.choice(["maximum", "exclusiveMaximum"])] = low + width
        if rng.random() < 0.15:
            schema["multipleOf"] = rng.choice([1, 2, 3, 7, 10, 1000, 0.5, 0.25])
        return schema

    def object(self, depth):
        rng = self.rng
        keys = rng.sample(KEYS, rng.choice([0, 1, 2, 3, 6]))
        schema = {"type": "object", "properties": {key: self.schema(depth + 1) for key in keys}}
        schema["required"] = [key for key in keys if rng.random() < 0.6]
        kind = rng.random()
        if kind < 0.3:
            schema["additionalProperties"] = False
        elif kind < 0.45:
            schema["additionalProperties"] = self.schema(depth + 1)
        elif kind < 0.55:
            schema["additionalProperties"] = True
        if rng.random() < 0.1 and keys:
            schema["minProperties"] = rng.randrange(len(keys) + 1)
        if rng.random() < 0.1:
            schema["maxProperties"] = max(len(schema["required"]), schema.get("minProperties", 0)) + rng.randrange(3)
        if rng.random() < 0.1:
            schema["title"] = schema["description"] = "ignored"
        if rng.random() < 0.05:
            del schema["type"]
        return schema

    def array(self, depth):
        rng, schema = self.rng, {"type": "array"}
        if rng.random() < 0.15:
            return {"type": "array", "items": {"enum": rng.sample(KEYS, 5)}, "uniqueItems": True,
                    "minItems": rng.randrange(5), "maxItems": 4 + rng.randrange(4)}
        if rng.random() < 0.3:
            schema["prefixItems"] = [self.schema(depth + 1) for _ in range(rng.randrange(1, 4))]
        if rng.random() < 0.8:
            schema["items"] = self.schema(depth + 1)
        if rng.random() < 0.4:
            schema["minItems"] = rng.choice([0, 1, 2, 7])
        if rng.random() < 0.5:
            schema["maxItems"] = schema.get("minItems", 0) + rng.choice([0, 1, 5])
        return schema

    def times(self):
        rng = self.rng
        time = {"type": rng.choice(["number", "string"]), "format": "video-time"}
        item = {"type": "object", "properties": {"start": time, "end": time}, "required": ["start", "end"],
                "additionalProperties": False}
        return rng.choice([time, item, {"type": "array", "items": item, "x-ordered": True},
                           {"type": "array", "items": time, "x-ordered": True, "maxItems": 4}])

    def schema(self, depth=0):
        rng, kind = self.rng, self.rng.random()
        if depth > 4 or kind < 0.18:
            return self.string()
        if kind < 0.34:
            return self.number()
        if kind < 0.56:
            return self.object(depth)
        if kind < 0.68:
            return self.array(depth)
        if kind < 0.72:
            return {"enum": [self.value() for _ in range(rng.choice([1, 3, 30]))]}
        if kind < 0.75:
            return {"const": self.value()}
        if kind < 0.79:
            return {"anyOf": [self.schema(depth + 1) for _ in range(rng.randrange(1, 4))]}
        if kind < 0.82:
            return {"oneOf": [{"type": "object", "properties": {"kind": {"const": name}, "v": self.schema(depth + 1)},
                               "required": ["kind"]} for name in ["p", "q", "r"]]}
        if kind < 0.85:
            return {"type": rng.sample(["string", "null", "integer", "boolean", "array", "object"], 2)}
        if kind < 0.88:
            return self.times()
        if kind < 0.91:
            return {"type": rng.choice(["boolean", "null"])}
        if kind < 0.93:
            return rng.choice([True, {}])
        if kind < 0.95:
            part = self.object(depth)
            return {"allOf": [{"$ref": self.define(part)}], "description": "merged"}
        name = f"node{len(self.definitions)}"
        self.definitions[name] = {}
        reference = {"$ref": f"#/$defs/{name}"}
        self.definitions[name].update({
            "type": "object", "properties": {"value": self.schema(depth + 2), "next": {"anyOf": [reference, {"type": "null"}]},
                                             "children": {"type": "array", "items": reference}},
            "required": ["value"]})
        return reference

    def define(self, schema):
        name = f"part{len(self.definitions)}"
        self.definitions[name] = schema
        return f"#/$defs/{name}"


def expressible(schema):
    """Whether some number of at most 6 decimals, or a whole one far from 0, lies within the bounds."""
    bounds = [schema[key] for key in schema if key != "type" and key != "multipleOf"] or [0]
    step = schema.get("multipleOf", 1)
    tries = [0]
    for bound in bounds:
        near = math.floor(bound / step) * step
        tries += [near + k * step for k in range(-2, 3)]
        if abs(bound) < 1e9 and schema["type"] == "number":
            tries += [round(bound + k / 1e6, 6) for k in range(-2, 3)]
    validator = jsonschema.Draft202012Validator(schema)
    return any(abs(value) < (1e18 if value == int(value) else 1e9) and validator.is_valid(value) for value in tries)


def make(rng):
    maker = Maker(rng)
    schema = maker.schema()
    if maker.definitions:
        schema = {"$defs": maker.definitions, **schema} if schema is not True else {"$defs": maker.definitions}
    instants = sorted({round(rng.random() * 60, rng.choice([0, 1, 3, 6])) for _ in range(rng.choice([1, 2, 10, 60]))})
    limit = rng.choice([1, 2, 3, 5, 20, 100, 200])
    return {"schema": schema, "instants": instants, "max_tokens": limit}


counted = collections.Counter()


def once(pairs):
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        counted["doubled free keys"] += 1
    return dict(pairs)


def refuse(word):
    raise ValueError(f"{word} is no JSON")


def timecode(seconds):
    total = round(seconds * 1000)
    return f"{total // 3600000:02}:{total // 60000 % 60:02}:{total // 1000 % 60:02}.{total % 1000:03}"


def in_order(times):
    whole = [time if isinstance(time, str) else timecode(time) for time in times]
    return whole == sorted(whole)


def check_times(schema, value, instants, root, depth=0):
    """Times are instants; in order within an object and, where asked, from item to item.

    Order is compared in whole milliseconds, as times of both forms may stand side by side.
    """
    if not isinstance(schema, dict) or depth > 100:
        return
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    if schema.get("format") == "video-time":
        allowed = instants if schema["type"] == "number" else [timecode(i) for i in instants]
        if value not in allowed:
            raise ValueError(f"{value} is no instant")
        return
    if isinstance(value, dict):
        known = schema.get("properties", {})
        found = [value[key] for key in known if key in value and isinstance(known[key], dict)
                 and known[key].get("format") == "video-time"]
        if not in_order(found):
            raise ValueError(f"times of one object go back: {found}")
        for key, item in value.items():
            if key in known:
                check_times(known[key], item, instants, root, depth + 1)
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        for item in value[len(schema.get("prefixItems", [])):]:
            check_times(schema["items"], item, instants, root, depth + 1)
        if schema.get("x-ordered"):
            flat = [time for item in value for time in (item.values() if isinstance(item, dict) else [item])]
            if not in_order(flat):
                raise ValueError(f"times of a list go back: {flat}")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--count", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tool", default=".build/release/reelscribe")
    parser.add_argument("--tokenizer", help="default: the default model's")
    parser.add_argument("--keep", help="write schemas and texts there, one JSON line each")
    options = parser.parse_args()

    rng = random.Random(options.seed)
    orders = [make(rng) for _ in range(options.count)]
    command = [options.tool, "constrain", "--seed", str(options.seed)]
    if options.tokenizer:
        command += ["--tokenizer", options.tokenizer]
    start = time.time()
    process = subprocess.run(command, input="\n".join(map(json.dumps, orders)) + "\n", capture_output=True, text=True)
    seconds = time.time() - start
    if process.returncode:
        sys.exit(process.stderr)
    lines = process.stdout.splitlines()
    if len(lines) != len(orders):
        sys.exit(f"{len(lines)} answers to {len(orders)} schemas")

    checker = jsonschema.FormatChecker(["date", "uuid", "ipv4"])
    # jsonschema's own checks of these need other packages, or follow draft 3.
    for name, kind in [("time", datetime.time), ("date-time", datetime.datetime)]:
        checker.checks(name, ValueError)(
            lambda text, kind=kind: not isinstance(text, str) or kind.fromisoformat(text).tzinfo is not None)
    refused, faults, finishes, spent = collections.Counter(), [], collections.Counter(), []
    valid = tokens = 0
    kept = open(options.keep, "w") if options.keep else None
    for number, (order, line) in enumerate(zip(orders, lines)):
        answer = json.loads(line)
        if kept:
            kept.write(json.dumps({**order, **answer}) + "\n")
        if "error" in answer:
            reason = answer["error"].split(": ", 1)[1]
            refused[re.sub(r"[0-9\"].*", "…", reason)] += 1
            continue
        spent += answer["seconds"]
        tokens += answer["tokens"]
        finishes[answer["finish"]] += 1
        try:
            value = json.loads(answer["text"], object_pairs_hook=once, parse_constant=refuse)
            jsonschema.Draft202012Validator(order["schema"], format_checker=checker).validate(value)
            check_times(order["schema"], value, order["instants"], order["schema"])
            valid += 1
        except Exception as fault:  # whatever it is, the text is not valid
            faults.append({"line": number + 1, "schema": order["schema"], "text": answer["text"],
                           "fault": f"{type(fault).__name__}: {fault}"[:300]})
    spent.sort()
    print(json.dumps({
        "schemas": len(orders), "valid": valid, "not_valid": len(faults), "refused": sum(refused.values()),
        "why_refused": refused, "finish": finishes, "tokens": tokens, "seconds": round(seconds, 1),
        "mask_microseconds": {"median": round(1e6 * statistics.median(spent), 1),
                              "p99": round(1e6 * spent[len(spent) * 99 // 100], 1), "worst": round(1e6 * spent[-1], 1)}
        if spent else None,
        "names_written_twice": counted["doubled free keys"], "cpu": platform.processor() or platform.machine(), "jsonschema": importlib.metadata.version("jsonschema")}))
    for fault in faults[:10]:
        print(json.dumps(fault, ensure_ascii=False), file=sys.stderr)
    sys.exit(1 if faults or refused else 0)


if __name__ == "__main__":
    main()
