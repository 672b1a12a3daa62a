// rl
