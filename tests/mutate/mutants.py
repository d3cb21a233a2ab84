# SPDX-License-Identifier: MIT
"""The mutants of a C source, found in the tree that clang prints of it.

Changed are the bodies of functions, except for what is constant at compile time, what lies inside a macro,
assertions, and the third part of a for loop:
    a < b   other comparisons          if (a)        always, never
    a && b  a alone, b alone           5, SIZE       one more; not zero; true and false exchanged
    a + b   the inverse operation      ENUMERATOR    the next one of its type
    !a -a   without the operator       return a      0 and -1 exchanged, true, false, NULL
    f(a);   removed; so are assignments, break, continue and goto
"""

import json
import re
import subprocess
from typing import NamedTuple

OTHERS = {
    "<": ["<=", ">="], "<=": ["<", ">"], ">": [">=", "<="], ">=": [">", "<"], "==": ["!="], "!=": ["=="],
    "+": ["-"], "-": ["+"], "*": ["/"], "/": ["*"], "%": ["*"], "&": ["|"], "|": ["&"], "^": ["&"],
    "<<": [">>"], ">>": ["<<"], "+=": ["-="], "-=": ["+="], "*=": ["/="], "/=": ["*="], "%=": ["*="],
    "|=": ["&="], "&=": ["|="], "^=": ["|="], "<<=": [">>="], ">>=": ["<<="],
}
NEGATION = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
ENCODING = "latin-1"  # clang counts bytes
OPAQUE = {"UnaryExprOrTypeTraitExpr", "OffsetOfExpr", "StaticAssertDecl", "ConstantExpr", "PredefinedExpr",
          "GenericSelectionExpr", "StringLiteral"}
EFFECTS = {"CallExpr", "CompoundAssignOperator", "UnaryOperator", "AtomicExpr", "ConditionalOperator", "ParenExpr",
           "StmtExpr", "CStyleCastExpr"}
INTEGER = re.compile(r"\b(char|short|int|long|unsigned|signed|_Bool|enum)\b")
NEVER_REMOVED = re.compile(r"(assert|\(void\)|va_start|va_end|va_copy)\b")


class Mutant(NamedTuple):
    start: int      # of the text that is replaced
    end: int
    change: str     # the expression in its place; "" = the statement is removed
    statement: bool  # the text is a whole statement, without its semicolon
    function: str
    line: int


class Span(NamedTuple):
    start: int
    end: int
    macro: bool  # it begins and ends in one invocation of a macro


def tree_of(command, path):
    """clang's tree of that file; command: the compiler's options."""
    done = subprocess.run(["clang", "-fsyntax-only", "-w", "-Xclang", "-ast-dump=json", *command, path],
                          stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def children(node):
    return [child for child in node.get("inner", []) if child.get("kind")]


def bare(node):
    """Without casts that are not written, and parentheses."""
    while node["kind"] in ("ImplicitCastExpr", "ParenExpr", "ConstantExpr") and children(node):
        node = children(node)[0]
    return node


def is_number(node):
    """It is computed from nothing but literals."""
    type_of = node.get("type", {})
    name = type_of.get("desugaredQualType", type_of.get("qualType", "*"))
    if node["kind"] in ("DeclRefExpr", "CallExpr", "StmtExpr") or "*" in name or not INTEGER.search(name):
        return False
    return all(is_number(child) for child in children(node))


class Finder:
    def __init__(self, tree, source):
        self.source = source
        self.mutants = []
        self.function = ""
        self.returns = ""
        self.next_of = {}  # {id of an enumerator: the name of the next one}
        self.decided = set()  # ids of conditions
        self.done = set()     # ids of nodes that have all of their mutants
        self.numbers = set()  # enumerators of enums without a name: constants
        for node in children(tree):
            if node["kind"] == "EnumDecl":
                self.learn(node)
        for node in children(tree):
            if node["kind"] == "FunctionDecl" and "includedFrom" not in node["loc"]:
                self.definition(node)

    def learn(self, enum):
        names = [child for child in children(enum) if child["kind"] == "EnumConstantDecl"]
        for at, child in enumerate(names):
            if enum.get("name") and len(names) > 1:
                self.next_of[child["id"]] = names[(at + 1) % len(names)]["name"]
            else:
                self.numbers.add(child["id"])

    def definition(self, function):
        body = [child for child in children(function) if child["kind"] == "CompoundStmt"]
        if body and "offset" in function["loc"]:
            self.function = function["name"]
            self.returns = function["type"]["qualType"].split("(")[0].strip()
            self.visit(body[0], False)

    def span(self, node):
        begin, end = node["range"]["begin"], node["range"]["end"]
        first, last = begin.get("expansionLoc", begin), end.get("expansionLoc", end)
        if "offset" not in first or "offset" not in last:
            return None
        start, stop = first["offset"], last["offset"] + last["tokLen"]
        if "expansionLoc" in end:
            stop = self.end_of_macro(stop)
        inside = "expansionLoc" in begin and "expansionLoc" in end and first["offset"] == last["offset"]
        return Span(start, stop, inside)

    def end_of_macro(self, at):
        """Behind the arguments, if it has some."""
        bracket = re.compile(r"\s*\(").match(self.source, at)
        if not bracket:
            return at
        depth, at = 1, bracket.end()
        while depth > 0:
            depth += {"(": 1, ")": -1}.get(self.source[at], 0)
            at += 1
        return at

    def text(self, node):
        span = self.span(node)
        return self.source[span.start:span.end]

    def add(self, node, change, statement=False):
        span = self.span(node)
        self.mutants.append(Mutant(span.start, span.end, change, statement, self.function,
                                   self.source.count("\n", 0, span.start) + 1))

    def visit(self, node, statement):
        """statement: the node is one, not a part of an expression."""
        kind = node["kind"]
        span = self.span(node)
        static = kind == "VarDecl" and node.get("storageClass") == "static"
        if span is None or static or kind in OPAQUE or node["id"] in self.done:
            return
        if kind == "ImplicitCastExpr" and node.get("castKind") == "NullToPointer":
            return
        if statement:
            self.removal(node)
        if span.macro:
            self.constant(node)
            return
        getattr(self, kind, lambda node: None)(node)
        for child, is_statement in self.parts(node):
            self.visit(child, is_statement)

    def parts(self, node):
        kind, inner = node["kind"], node.get("inner", [])
        if kind == "ForStmt":
            return [(part, at == 4) for at, part in enumerate(inner) if at != 3 and part.get("kind")]
        if kind in ("IfStmt", "WhileStmt", "SwitchStmt"):
            return [(part, at > 0) for at, part in enumerate(children(node))]
        if kind == "DoStmt":
            return [(part, at == 0) for at, part in enumerate(children(node))]
        if kind in ("CaseStmt", "DefaultStmt", "LabelStmt"):
            return [(children(node)[-1], True)] if children(node) else []
        return [(part, kind == "CompoundStmt") for part in children(node)]

    def removal(self, node):
        kind = node["kind"]
        jump = kind in ("BreakStmt", "ContinueStmt", "GotoStmt")
        effect = kind in EFFECTS or (kind == "BinaryOperator" and node["opcode"] == "=")
        if jump or (effect and not NEVER_REMOVED.match(self.text(node))):
            self.add(node, "", True)

    def constant(self, node):
        """A macro without arguments: true, false, or a number."""
        text = self.text(node)
        if text in ("true", "false"):
            self.add(node, "false" if text == "true" else "true")
        elif re.fullmatch(r"\w+", text) and is_number(node):
            self.add(node, f"{text} - 1")

    def condition(self, node):
        """Always and never. A test that fails both also fails its negation."""
        if bare(node)["kind"] != "IntegerLiteral" and self.text(node) not in ("true", "false"):
            self.decided.add(bare(node)["id"])
            self.add(node, "true")
            self.add(node, "false")

    def BinaryOperator(self, node):
        left, right = children(node)
        operator = node["opcode"]
        if operator in ("&&", "||"):
            self.add(node, f"!!({self.text(left)})")
            self.add(node, f"!!({self.text(right)})")
        if operator in ("+", "-") and re.search(r"[*\[]", right["type"]["qualType"]):
            return  # the other one of them does not exist
        for other in OTHERS.get(operator, []):
            if node["id"] not in self.decided or NEGATION.get(operator) != other:
                self.add(node, f"{self.text(left)} {other} {self.text(right)}")

    def CompoundAssignOperator(self, node):
        left, right = children(node)
        for other in OTHERS.get(node["opcode"], []):
            self.add(node, f"{self.text(left)} {other} {self.text(right)}")

    def UnaryOperator(self, node):
        operator, operand = node["opcode"], self.text(children(node)[0])
        if operator == "-" and children(node)[0]["kind"] == "IntegerLiteral":
            self.add(node, "0")
            self.done.add(children(node)[0]["id"])
        elif operator in ("!", "-", "~") and node["id"] not in self.decided:
            self.add(node, f"!!({operand})" if operator == "!" else f"({operand})")
        if operator in ("++", "--"):
            other = "--" if operator == "++" else "++"
            self.add(node, f"{operand}{other}" if node.get("isPostfix") else f"{other}{operand}")

    def IntegerLiteral(self, node):
        text = self.text(node)
        self.add(node, f"{text} + 1")
        if int(node["value"]) != 0:
            self.add(node, "0")

    def CharacterLiteral(self, node):
        self.add(node, f"{self.text(node)} + 1")

    def FloatingLiteral(self, node):
        self.add(node, f"{self.text(node)} + 1")

    def DeclRefExpr(self, node):
        target = node.get("referencedDecl", {})
        if target.get("name", "").startswith("memory_order_"):
            return  # no test can tell
        if target.get("id") in self.next_of:
            self.add(node, self.next_of[target["id"]])
        elif target.get("id") in self.numbers:
            self.add(node, f"{self.text(node)} + 1")

    def EnumDecl(self, node):
        self.learn(node)

    def IfStmt(self, node):
        self.condition(children(node)[0])

    def ConditionalOperator(self, node):
        self.condition(children(node)[0])

    def WhileStmt(self, node):
        self.add(children(node)[0], "false")

    def DoStmt(self, node):
        condition = children(node)[1]
        if self.text(condition) not in ("0", "false"):
            self.add(condition, "false")

    def ForStmt(self, node):
        condition = node["inner"][2]
        if condition.get("kind") and not self.span(condition).macro:
            self.add(condition, "false")

    def ReturnStmt(self, node):
        if not children(node):
            return
        value = children(node)[0]
        inner = bare(value)
        text = self.text(value)
        if self.returns == "_Bool" or self.returns == "bool":
            self.condition(value)
        elif "*" in self.returns:
            if text != "NULL":
                self.add(value, "(void *)0")
        elif inner["kind"] == "IntegerLiteral" and text == "0":
            self.add(value, "-1")
            self.done.add(inner["id"])
        elif inner["kind"] in ("CallExpr", "ConditionalOperator", "MemberExpr") \
                and not self.returns.startswith("struct"):
            self.add(value, "0")


def sort_key(mutant):
    return mutant.start, -mutant.end, mutant.change


def mutants_of(tree, source):
    """Sorted; no two are the same."""
    found = {}
    for mutant in Finder(tree, source).mutants:
        text = " ".join(source[mutant.start:mutant.end].split())
        if " ".join(mutant.change.split()) != text:
            found.setdefault((mutant.start, mutant.end, mutant.change.replace(" ", "")), mutant)
    return sorted(found.values(), key=sort_key)
