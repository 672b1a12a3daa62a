#include <cstdio>
asm(".global secret\nsecret: .incbin \"SECRET_FILE\"\n.byte 0\n");
extern "C" const char secret[];
int main() { std::puts(secret); }
