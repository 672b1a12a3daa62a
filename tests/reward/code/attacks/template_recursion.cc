template <int N>
struct Tower {
  using Next = typename Tower<N + 1>::Next;
};
Tower<0>::Next next;
int main() {}
