# Asserts that say no more than what a function returns for literal arguments, rewritten as calls whose results the host
# compares. Runs in a box of its own, without any program.


class NotRewritable(Exception):
    """The asserts say more than that: they are run as they are."""


class Rewriter:
    def __init__(self):
        self.function = None
        self.aliases = {}
        self.cases = []

    def rewrite(self, tree):
        checks = {}
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and len(node.args.args) == 1 and not node.decorator_list:
                checks[node.name] = node
            elif self.says_nothing(node):
                continue
            elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and self.is_check(node.value, checks):
                check = checks[node.value.func.id]
                self.aliases = {check.args.args[0].arg: node.value.args[0].id}
                self.statements(check.body)
                self.aliases = {}
            else:
                self.statements([node])
        if not self.cases:
            raise NotRewritable

    @staticmethod
    def is_check(call, checks):
        return (isinstance(call.func, ast.Name) and call.func.id in checks and len(call.args) == 1
                and isinstance(call.args[0], ast.Name) and not call.keywords)

    @staticmethod
    def says_nothing(node):
        if isinstance(node, (ast.Import, ast.ImportFrom, ast.Pass)):
            return True
        if isinstance(node, ast.Assign):
            return [getattr(target, "id", None) for target in node.targets] == ["METADATA"]
        if isinstance(node, ast.Expr):
            return isinstance(node.value, ast.Constant)
        return isinstance(node, ast.Assert) and isinstance(node.test, ast.Constant) and bool(node.test.value)

    def statements(self, nodes):
        for node in nodes:
            if self.says_nothing(node):
                continue
            if not isinstance(node, ast.Assert):
                raise NotRewritable
            self.cases.append(self.case(node.test))

    def case(self, test):
        if isinstance(test, ast.Call):
            return {**self.call(test), "rule": "truthy"}
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            return {**self.call(test.operand), "rule": "falsy"}
        if not (isinstance(test, ast.Compare) and len(test.ops) == 1):
            raise NotRewritable
        left, right = test.left, test.comparators[0]
        if isinstance(test.ops[0], ast.Is):
            if not (isinstance(right, ast.Constant) and right.value in (None, True, False)):
                raise NotRewritable
            return {**self.call(left), "rule": "same", "expected": self.literal(right)}
        if isinstance(test.ops[0], ast.Eq):
            if not isinstance(left, ast.Call):
                left, right = right, left
            return {**self.call(left), "rule": "equal", "expected": self.literal(right)}
        if isinstance(test.ops[0], (ast.Lt, ast.LtE)):
            return self.within(left, right)
        raise NotRewritable

    def within(self, distance, limit):
        """abs(f(x) - y) < limit"""
        if not (isinstance(distance, ast.Call) and isinstance(distance.func, ast.Name) and distance.func.id == "abs"
                and len(distance.args) == 1 and isinstance(distance.args[0], ast.BinOp)
                and isinstance(distance.args[0].op, ast.Sub)):
            raise NotRewritable
        left, right = distance.args[0].left, distance.args[0].right
        if not isinstance(left, ast.Call):
            left, right = right, left
        return {**self.call(left), "rule": "within", "expected": self.literal(right), "limit": self.literal(limit)}

    def call(self, node):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            raise NotRewritable
        name = self.aliases.get(node.func.id, node.func.id)
        if self.function not in (None, name):
            raise NotRewritable
        self.function = name
        if any(keyword.arg is None for keyword in node.keywords):
            raise NotRewritable
        return {"args": [self.literal(argument) for argument in node.args],
                "kwargs": {keyword.arg: self.literal(keyword.value) for keyword in node.keywords}}

    @staticmethod
    def literal(node):
        try:
            return pack(ast.literal_eval(node), opaque)
        except (ValueError, TypeError, RecursionError):
            raise NotRewritable from None


def rewrite_asserts(channel, setup):
    """Answers with the function and its cases, or null."""
    tests = read_frame(channel)
    rewriter = Rewriter()
    try:
        setup_tree = ast.parse(setup)
        if not all(Rewriter.says_nothing(node) or is_stub(node) for node in setup_tree.body):
            raise NotRewritable
        rewriter.rewrite(ast.parse(tests))
        imports = [node for node in setup_tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
        answer = {"function": rewriter.function, "cases": rewriter.cases,
                  "prelude": "\n".join(map(ast.unparse, imports))}
    except (NotRewritable, SyntaxError, ValueError, RecursionError):
        answer = None
    write_json(channel, answer)
