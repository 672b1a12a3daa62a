int main() { *reinterpret_cast<volatile int*>(8) = 1; }
