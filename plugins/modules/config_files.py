#!/usr/bin/python
# Copyright: Alchemorsel contributors
# MIT License (see LICENSE)
"""Ansible module: have a set of folders and files as described, in one round trip."""

from __future__ import annotations

DOCUMENTATION = r"""
module: config_files
short_description: Write a set of directories and files
version_added: 0.1.0
description:
  - Every content that differs is validated before any file is replaced, so a set is never left half written by a
    file that its program refuses.
  - Templates are rendered on the control machine, by the lookup C(ansible.builtin.template).
options:
  folders:
    description: Folders to have, in this order. Missing parents get mode 0755.
    type: list
    elements: dict
    default: []
    suboptions:
      path: {description: The folder., type: path, required: true}
      owner: {description: Name of its owner., type: str, default: root}
      group: {description: Name of its group., type: str, default: root}
      mode: {description: Its mode., type: str, default: "0755"}
  files:
    description: Files to have, after the folders.
    type: list
    elements: dict
    default: []
    suboptions:
      path: {description: The file. Its folder is there or one of O(folders)., type: path, required: true}
      content: {description: What is in it; shown in a diff., type: str}
      secret: {description: "What is in it, in place of O(files[].content), where it may be shown nowhere.", type: str}
      owner: {description: Name of its owner., type: str, default: root}
      group: {description: Name of its group., type: str, default: root}
      mode: {description: Its mode., type: str, default: "0644"}
      validate:
        description: Command that accepts or refuses the new content; C(%s) in it stands for a file with that content.
        type: str
      backup:
        description: Keep a backup of replaced files.
        type: bool
        default: false
      only_compare:
        description: Say whether it differs, and how, but leave the writing to a later task, as check mode does.
        type: bool
        default: false
attributes:
  check_mode:
    support: full
    description: Nothing is validated, since what would validate it may still have to be installed.
  diff_mode: {support: full, description: All but what is secret.}
author: Alchemorsel contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Have the settings
  alchemorsel.ai.config_files:
    folders:
      - path: /etc/example
    files:
      - path: /etc/example/example.conf
        content: "{{ lookup('ansible.builtin.template', 'example.conf.j2') }}"
        validate: example --check %s
        backup: true
"""

RETURN = r"""
paths: {description: "Folders and files that were changed, or would be.", returned: success, type: list, elements: str}
backups: {description: "Where the former content is kept, by path.", returned: success, type: dict}
"""

import copy
import os
import tempfile
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

VALIDATION_SECONDS = 120
"""A program that checks a file takes a second or two."""
ONLY_OWNER = 0o077
"""Taken from the mode of what is being written, until it has its own."""
FOLDER_MODE = 0o755


class Target:
    """A folder or a file that is to be as described.

    Args:
        module: Ansible's, which moves files, sets attributes and knows of check mode.
        wanted: An element of the option ``folders`` or ``files``.
    """

    def __init__(self, module: Any, wanted: dict[str, Any]) -> None:
        self._module = module
        self._wanted = wanted
        self.path = Path(wanted["path"])
        self.changed = False
        self.diffs: list[dict[str, Any]] = []

    @property
    def only_looks(self) -> bool:
        """Whether nothing of it may be written."""
        return bool(self._module.check_mode)

    def have_attributes(self) -> None:
        """Set owner, group and mode where they differ."""
        if self.only_looks and not self.path.exists():
            return
        shown = {"before": {"path": str(self.path)}, "after": {"path": str(self.path)}}
        changed = self._module.set_mode_if_different(str(self.path), self._wanted["mode"], False, shown)
        changed = self._module.set_owner_if_different(str(self.path), self._wanted["owner"], changed, shown)
        changed = self._module.set_group_if_different(str(self.path), self._wanted["group"], changed, shown)
        if changed and not self.changed:  # of what is new the attributes are no news
            self.diffs.append(shown)
        self.changed = self.changed or changed


class Folder(Target):
    """A folder."""

    def make(self) -> None:
        """Make it where it is missing."""
        if self.path.is_dir():
            return
        if self.path.exists():
            self._module.fail_json(msg=f"{self.path} is to be a folder, but is a file: move it away")
        self.changed = True
        shown = {"path": str(self.path)}
        self.diffs.append({"before": {**shown, "state": "absent"}, "after": {**shown, "state": "directory"}})
        if not self.only_looks:
            missing = [folder for folder in (self.path, *self.path.parents) if not folder.exists()]
            for folder in reversed(missing):
                folder.mkdir()
                folder.chmod(FOLDER_MODE)


class File(Target):
    """A file."""

    def __init__(self, module: Any, wanted: dict[str, Any]) -> None:
        super().__init__(module, wanted)
        self.backup = ""
        self._is_secret = wanted["secret"] is not None
        self._content = wanted["secret"] if self._is_secret else wanted["content"]
        self._draft = ""

    def compare(self) -> None:
        """See whether the content differs."""
        if self.path.is_dir():
            self._module.fail_json(msg=f"{self.path} is to be a file, but is a folder: move it away")
        there = self.path.is_file()
        before = self.path.read_text(encoding="utf-8", errors="replace") if there else ""
        self.changed = not there or before != self._content
        if self.changed:
            shown = ("a secret" if there else "", "another secret" if there else "a secret")
            self.diffs.append(
                {
                    "before_header": str(self.path) if there else f"{self.path} (absent)",
                    "after_header": str(self.path),
                    "before": f"{shown[0]}\n" if self._is_secret else before,
                    "after": f"{shown[1]}\n" if self._is_secret else self._content,
                }
            )

    def validate(self) -> None:
        """Have the new content accepted by its program, where there is one."""
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=self._module.tmpdir, delete=False) as draft:
            draft.write(self._content)
        self._draft = draft.name
        self._module.add_cleanup_file(draft.name)
        command = self._wanted["validate"]
        if not command:
            return
        if "%s" not in command:
            self._module.fail_json(msg=f"validate of {self.path} has to name the file to check as %s: {command}")
        code, said, complained = self._module.run_command(
            f"timeout {VALIDATION_SECONDS} {command.replace('%s', draft.name)}"
        )
        if code != 0:
            words = "\n".join(text.strip() for text in (complained, said) if text.strip())
            self._module.fail_json(msg=f"{self.path} was refused, and nothing was changed: {words or code}", rc=code)

    def replace(self) -> None:
        """Put the new content in place of the old one."""
        if self._wanted["backup"] and self.path.exists():
            self.backup = self._module.backup_local(str(self.path))
        self._module.atomic_move(self._draft, str(self.path))


def have(folders: list[Folder], files: list[File]) -> None:
    """Bring folders and files to what is described; of those that are only looked at, find out what would change."""
    for folder in folders:
        folder.make()
        folder.have_attributes()
    for file in files:
        file.compare()
    differing = [file for file in files if file.changed and not file.only_looks]
    for file in differing:
        file.validate()
    for file in differing:
        file.replace()
    for file in files:
        file.have_attributes()


def main() -> None:
    """Run the module."""
    common = {
        "path": {"type": "path", "required": True},
        "owner": {"type": "str", "default": "root"},
        "group": {"type": "str", "default": "root"},
    }
    folder = {**common, "mode": {"type": "str", "default": "0755"}}
    file = {
        **common,
        "mode": {"type": "str", "default": "0644"},
        "content": {"type": "str"},
        "secret": {"type": "str", "no_log": True},
        "validate": {"type": "str"},
        "backup": {"type": "bool", "default": False},
        "only_compare": {"type": "bool", "default": False},
    }
    one = [("content", "secret")]
    module = AnsibleModule(
        argument_spec={
            "folders": {"type": "list", "elements": "dict", "default": [], "options": folder},
            "files": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": file,
                "mutually_exclusive": one,
                "required_one_of": one,
            },
        },
        supports_check_mode=True,
    )
    os.umask(ONLY_OWNER)
    folders = [Folder(module, wanted) for wanted in module.params["folders"]]
    looking = copy.copy(module)
    looking.check_mode = True
    files = [File(looking if wanted["only_compare"] else module, wanted) for wanted in module.params["files"]]
    have(folders, files)
    targets: list[Target] = [*folders, *files]
    module.exit_json(
        changed=any(target.changed for target in targets),
        paths=[str(target.path) for target in targets if target.changed],
        backups={str(file.path): file.backup for file in files if file.backup},
        diff=[diff for target in targets for diff in target.diffs],
    )


if __name__ == "__main__":
    main()
