char space[1L << 36] = {1};
int main() {}
