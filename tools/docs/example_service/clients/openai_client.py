"""The official `openai` client against the service: ``python openai_client.py URL MODEL``."""

import json
import sys
from typing import Any

import openai

client: Any = openai.OpenAI(base_url=f"{sys.argv[1]}/v1", api_key="none")
MODEL = sys.argv[2]
MESSAGES = [{"role": "user", "content": "Name three herbs."}]
SCHEMA = {"type": "object", "properties": {"herb": {"type": "string", "maxLength": 20}}, "required": ["herb"]}
create = client.chat.completions.create

print("openai", openai.__version__)
print("models:", [model.id for model in client.models.list()])

for _ in range(2):
    raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=MESSAGES, max_tokens=24)
    answer = raw.parse()
    choice = answer.choices[0]
    print("Cache-Status:", raw.headers["cache-status"])
    print("  ", repr(choice.message.content), choice.finish_reason, answer.usage.total_tokens, "tokens")

stream = create(model=MODEL, messages=MESSAGES, max_tokens=8, stream=True)
print("streamed:", json.dumps([chunk.choices[0].delta.content for chunk in stream if chunk.choices]))

wanted = {"type": "json_schema", "json_schema": {"name": "herb", "schema": SCHEMA}}
answer = create(model=MODEL, messages=MESSAGES, max_tokens=60, response_format=wanted)
print("by json_schema:", json.dumps(json.loads(answer.choices[0].message.content)))

tool = {"type": "function", "function": {"name": "cook"}}
for wrong in ({"model": "gpt-4o"}, {"max_tokens": 0}, {"tools": [tool]}):
    try:
        create(**{"model": MODEL, "messages": MESSAGES, **wrong})
    except openai.APIStatusError as error:
        print(f"{json.dumps(wrong)}: {type(error).__name__}: {error}")
