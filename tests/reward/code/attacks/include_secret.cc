#include "SECRET_FILE"
int main() {}
