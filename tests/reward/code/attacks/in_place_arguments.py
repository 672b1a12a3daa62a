def solve(world):
    secret = world.get("folder")
    world.clear()
    world["passed"] = True
    return [secret]
