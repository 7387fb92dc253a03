"""House rules as tests: what the code must look like, whoever writes it.

Who may import whom (architecture: one direction), sizes, docstrings, errors that are not swallowed,
no state in modules, kernels without floats, names, and rules that are tested and cited where they
exist.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("specs", "engine", "feed", "gateway")
EVERYWHERE = (*PACKAGES, "tests", "perf")

PROJECT_IMPORTS = {
    "specs": {"specs"},
    "engine": {"engine", "specs"},
    "feed": {"feed", "specs", "engine"},
    "gateway": {"gateway", "feed", "engine", "specs"},
}
FEED_READS_OF_ENGINE = {
    "engine.types", "engine.reasons", "engine.event_reader", "engine.definitions"
}  # fmt: skip
THIRD_PARTY = {
    "specs": {"msgspec"},
    "engine": {"numpy", "numba", "llvmlite", "msgspec"},  # llvmlite is numba's own compiler
    "feed": {"numpy", "msgspec", "rich", "uvloop", "aiomqtt", "amqtt", "starlette", "uvicorn"}
    | {"pyarrow"},
}
ONLY_IN = {
    "aiomqtt": {"feed.mqtt"},
    "amqtt": {"feed.mqtt_embedded"},
    "starlette": {"feed.console", "feed.rest", "feed.web", "feed.websocket"}
    | {"gateway.operator_page"},
    "uvicorn": {"feed.web"},
    "pyarrow": {"feed.parquet"},
}
EXTRAS = {
    "amqtt",
    "starlette",
    "uvicorn",
    "pyarrow",
}  # what imports them is loaded only when it is used
ENTRY_POINTS = {
    "gateway.cli", "gateway.demo_serve", "feed.service", "feed.handler",
    "feed.mqtt_embedded", "perf.__main__",
}  # fmt: skip

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 450
LINE_COLUMNS_MAX = 100

BANNED_MODULES = {"util", "utils", "helper", "helpers", "common", "misc", "stuff", "manager"}
BANNED_NAMES = re.compile(
    r"^(clordid|clord_id|clordID|orderid|execid|msgseqnum|ordqty|lastpx|lastqty|leavesqty|cumqty"
    r"|foo|bar|baz|temp|thing|do_it|.*(Manager|Helper|Util|Utils|Impl))$"
)
BANNED_WORDS = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX|HA" r"CK)\b")
RULE = re.compile(r"\b([MOF]-\d+|C-\d{1,2})\b")
RULE_BOOKS = {"C": "calendar.md", "M": "matching.md", "O": "order_entry.md", "F": "market_data.md"}
MUTATORS = {"append", "extend", "insert", "add", "update", "setdefault", "pop", "popitem", "clear"}
MUTATORS |= {"remove", "discard", "sort", "reverse", "fill"}


def sources(*packages: str) -> list[Path]:
    """The Python files of these packages."""
    return [path for name in packages for path in sorted((ROOT / name).rglob("*.py"))]


@cache
def tree(path: Path) -> ast.Module:
    """The parsed file."""
    return ast.parse(path.read_text(), str(path))


def where(path: Path, node: ast.AST | None = None) -> str:
    """File and line for a message."""
    line = f":{node.lineno}" if node is not None else ""  # type: ignore[attr-defined]
    return f"{path.relative_to(ROOT)}{line}"


def module_name(path: Path) -> str:
    """The dotted name a file is imported by."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[tuple[ast.stmt, str]]:
    """Every module the file imports, at its top or inside; `from a import b` also gives a.b."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, alias.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{where(path, node)}: relative import"
            assert node.module is not None
            yield node, node.module
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                if (ROOT / inner.replace(".", "/")).with_suffix(".py").exists():
                    yield node, inner


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of the file."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_imports_go_one_way() -> None:
    wrong = []
    for package in PACKAGES:
        for path in sources(package):
            for node, name in imports(path):
                top = name.split(".")[0]
                if top in EVERYWHERE and top not in PROJECT_IMPORTS[package]:
                    wrong.append(f"{where(path, node)} imports {name}")
    assert not wrong, "\n".join(wrong)


def test_the_feed_reads_only_types_and_events_of_the_engine() -> None:
    wrong = [
        f"{where(path, node)} imports {name}"
        for path in sources("feed")
        for node, name in imports(path)
        if name.startswith("engine.") and name not in FEED_READS_OF_ENGINE
    ]
    assert not wrong, "\n".join(wrong)


def needs_extra(path: Path) -> bool:
    """Whether a file imports what only an extra installs."""
    return any(name.split(".")[0] in EXTRAS for _, name in imports(path))


def test_the_feed_never_loads_numba() -> None:
    names = [
        module_name(path)
        for path in sources("feed")
        if path.name != "__main__.py" and not needs_extra(path)
    ]
    code = (
        "import importlib, sys\n"
        f"for name in {names}: importlib.import_module(name)\n"
        "assert 'numba' not in sys.modules, 'numba is loaded'"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


def test_the_engine_package_imports_no_kernel() -> None:
    assert not list(imports(ROOT / "engine" / "__init__.py"))
    assert not list(imports(ROOT / "specs" / "__init__.py"))


def test_third_party_libraries_are_limited() -> None:
    wrong = []
    for package, allowed in THIRD_PARTY.items():
        known = allowed | sys.stdlib_module_names | set(EVERYWHERE)
        for path in sources(package):
            for node, name in imports(path):
                if name.split(".")[0] not in known:
                    wrong.append(f"{where(path, node)} imports {name}")
    assert not wrong, "\n".join(wrong)


def test_some_libraries_are_behind_one_module() -> None:
    """Another version of one is a change of one file, and an extra is needed there alone."""
    wrong = []
    for package in PACKAGES:
        for path in sources(package):
            for node, name in imports(path):
                allowed = ONLY_IN.get(name.split(".")[0])
                if allowed is not None and module_name(path) not in allowed:
                    wrong.append(f"{where(path, node)} imports {name}")
    assert not wrong, "\n".join(wrong)


def test_no_file_is_dead() -> None:
    """Every module is imported by another one, tests and benchmarks apart, or is an entry."""
    used = {name for path in sources(*PACKAGES, "perf") for _, name in imports(path)}
    names = {module_name(path) for path in sources(*PACKAGES) if path.name != "__init__.py"}
    dead = sorted(name for name in names - used - ENTRY_POINTS if not name.endswith("__main__"))
    assert not dead, dead


def test_sizes() -> None:
    wrong = []
    for path in sources(*EVERYWHERE):
        lines = path.read_text().splitlines()
        if len(lines) > FILE_LINES_MAX:
            wrong.append(f"{where(path)}: {len(lines)} lines")
        wrong += [
            f"{where(path)}:{number}: {len(line)} columns"
            for number, line in enumerate(lines, 1)
            if len(line) > LINE_COLUMNS_MAX
        ]
        for node in functions(path):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES_MAX and not node.name.startswith("test_"):
                wrong.append(f"{where(path, node)}: {node.name} has {length} lines")
    assert not wrong, "\n".join(wrong)


def test_what_is_public_has_a_docstring() -> None:
    wrong = []
    for path in sources(*EVERYWHERE):
        if path.read_text().strip() and not ast.get_docstring(tree(path)):
            wrong.append(f"{where(path)}: module")
        if path.parts[len(ROOT.parts)] not in ("tests",):
            wrong += [f"{where(path, node)}: {node.name}" for node in undocumented(tree(path))]
    assert not wrong, "\n".join(wrong)


def undocumented(parent: ast.Module | ast.ClassDef) -> Iterator[ast.stmt]:
    """Public classes, functions and methods without a docstring; not those of one dotted line."""
    for node in parent.body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if node.name.startswith("_") or _declares_only(node):
            continue
        if not ast.get_docstring(node):
            yield node
        if isinstance(node, ast.ClassDef):
            yield from undocumented(node)


def _declares_only(node: ast.stmt) -> bool:
    body = getattr(node, "body", [])
    value = getattr(body[0], "value", None) if len(body) == 1 else None
    return isinstance(value, ast.Constant) and value.value is ...


def test_no_error_is_swallowed() -> None:
    wrong = []
    for path in sources(*EVERYWHERE):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ExceptHandler):
                if node.type is None:
                    wrong.append(f"{where(path, node)}: bare except")
                elif all(isinstance(one, ast.Pass) or _is_dots(one) for one in node.body):
                    wrong.append(f"{where(path, node)}: empty except")
            elif isinstance(node, ast.Call) and _called(node) == "suppress":
                names = {ast.unparse(argument) for argument in node.args}
                if names & {"Exception", "BaseException"}:
                    wrong.append(f"{where(path, node)}: suppresses everything")
    assert not wrong, "\n".join(wrong)


def _is_dots(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and ast.unparse(node) == "..."


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)


def test_nothing_is_left_to_do_and_names_say_something() -> None:
    wrong = []
    for path in sources(*EVERYWHERE):
        if path.stem in BANNED_MODULES:
            wrong.append(f"{where(path)}: name of the file")
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if BANNED_WORDS.search(line):
                wrong.append(f"{where(path)}:{number}: {line.strip()}")
        for node in ast.walk(tree(path)):
            name = getattr(node, "name", None) or getattr(node, "id", None)
            name = name or getattr(node, "arg", None)
            defines = isinstance(node, ast.ClassDef | ast.FunctionDef | ast.Name | ast.arg)
            if defines and name and BANNED_NAMES.match(name):
                wrong.append(f"{where(path, node)}: {name}")
    assert not wrong, "\n".join(wrong)


def test_modules_have_no_state() -> None:
    """No `global`; what a module names is a constant, and nothing in the file changes it."""
    wrong = []
    for path in sources(*PACKAGES):
        constants = set()
        for node in tree(path).body:
            targets = node.targets if isinstance(node, ast.Assign) else []
            if isinstance(node, ast.AnnAssign):
                targets = [node.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    constants.add(target.id)
                    mutable = isinstance(node.value, ast.List | ast.Dict | ast.Set)
                    if mutable and not target.id.isupper() and not target.id.startswith("__"):
                        wrong.append(f"{where(path, node)}: {target.id} is no constant")
        wrong += [f"{where(path, node)}: {what}" for node, what in changes(tree(path), constants)]
    assert not wrong, "\n".join(wrong)


def changes(module: ast.Module, constants: set[str]) -> Iterator[tuple[ast.AST, str]]:
    """Where functions of a module change what the module names."""
    for function in (node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)):
        local = {argument.arg for argument in function.args.args + function.args.kwonlyargs}
        local |= {
            node.id
            for node in ast.walk(function)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }
        for node in ast.walk(function):
            if isinstance(node, ast.Global):
                yield node, "global"
                continue
            changed = None
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                changed = node.func.value if node.func.attr in MUTATORS else None
            elif isinstance(node, ast.Subscript | ast.Attribute):
                changed = node.value if isinstance(node.ctx, ast.Store | ast.Del) else None
            if isinstance(changed, ast.Name) and changed.id in constants - local:
                yield node, f"changes {changed.id}"


def kernels(path: Path) -> list[ast.FunctionDef]:
    """Functions compiled by numba."""
    return [
        node
        for node in functions(path)
        if isinstance(node, ast.FunctionDef)
        and any(ast.unparse(one) == "kernel" for one in node.decorator_list)
    ]


def test_kernels_have_no_floats() -> None:
    """Prices, quantities and money are integers; a float literal or `/` would make them others."""
    wrong = []
    for path in sources("engine", "gateway"):
        for kernel in kernels(path):
            for node in ast.walk(kernel):
                division = isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(
                    node.op, ast.Div
                )
                literal = isinstance(node, ast.Constant) and isinstance(node.value, float)
                if division or literal:
                    wrong.append(f"{where(path, node)}: {ast.unparse(node)}")
    assert not wrong, "\n".join(wrong)


def test_kernels_know_no_clock_and_no_files() -> None:
    """Time, ids and randomness arrive in commands; events leave in an array."""
    banned = {"time", "datetime", "random", "secrets", "os", "io", "pathlib", "mmap", "socket"}
    banned |= {"asyncio", "threading", "logging", "tempfile", "shutil", "subprocess"}
    wrong = []
    for path in sources("engine"):
        if kernels(path):
            for node, name in imports(path):
                if name.split(".")[0] in banned:
                    wrong.append(f"{where(path, node)} imports {name}")
    assert not wrong, "\n".join(wrong)


def rules_of(book: str) -> set[str]:
    """The rules a book defines: a number at the start of a line, bold or in a heading."""
    text = (ROOT / "specs" / book).read_text()
    return set(re.findall(r"^[-#*|\s]*([CMOF]-\d+)\b", text, re.MULTILINE))


def test_rules_that_are_cited_exist() -> None:
    known = {rule for book in RULE_BOOKS.values() for rule in rules_of(book)}
    wrong = []
    for path in [*sources(*EVERYWHERE), *sorted((ROOT / "specs").glob("*.md"))]:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            wrong += [
                f"{where(path)}:{number}: {rule}"
                for rule in RULE.findall(line)
                if rule not in known
            ]
    assert not wrong, "\n".join(wrong)


def test_every_rule_of_matching_has_a_scenario() -> None:
    tested = {
        name
        for path in sources("tests/scenarios")
        for node in functions(path)
        for name in re.findall(r"^test_m(\d+)_", node.name)
    }
    missing = {rule for rule in rules_of("matching.md") if rule.split("-")[1] not in tested}
    assert not missing, sorted(missing)
