// The products on AMX: blocks of C of up to 32 x 32 in four tiles, from two tiles of A and two of B
// a step.
#include "policy/kernels/bf16_attention_blocks.h"
#include "policy/kernels/bf16_convert.h"

namespace grpo {
namespace GRPO_ISA {
namespace {

// LDTILECFG's operand.
struct alignas(64) TileConfiguration {
  uint8_t palette;
  uint8_t start_row;
  uint8_t reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
};

// The compiler does not know what the tile instructions read.
[[gnu::always_inline]] inline void WriteAllToMemory() { asm volatile("" ::: "memory"); }

struct AmxLevel {
  using Element = BFloat16;
  static constexpr int kMaxTileRows = 16, kBlockTiles = 2;

  static void Convert(const float* from, int count, BFloat16* to) { RoundStep(from, count, to); }
  static void Round(const float* from, int count, BFloat16* to) { RoundStep(from, count, to); }
  static void StoreApart(const BFloat16* from, BFloat16* to) { StoreStepApart(from, to); }

  // Tiles 0 to 3 are C's, 4 and 5 A's, 6 and 7 B's. To configure tiles takes ten times as long as
  // to ask how they are configured. They stay so after the call: other libraries in the thread
  // configure tiles for themselves, as this does.
  static void Begin(int tile_rows) {
    TileConfiguration wanted = {
        .palette = 1, .start_row = 0, .reserved = {}, .row_bytes = {}, .rows = {}};
    for (int tile = 0; tile < 8; ++tile) {
      wanted.row_bytes[tile] = kRowBytes;
      wanted.rows[tile] = tile < 6 ? tile_rows : kPairs;
    }
    TileConfiguration present;
    _tile_storeconfig(&present);
    WriteAllToMemory();
    if (std::memcmp(&present, &wanted, sizeof(wanted)) == 0) return;
    WriteAllToMemory();
    _tile_loadconfig(&wanted);
  }

  template <typename AnyBlock>
  static void MultiplyBlock(int tiles, const AnyBlock& block) {
    WriteAllToMemory();
    if (tiles == 2) {
      MultiplyTiles<2>(block);
    } else {
      MultiplyTiles<1>(block);
    }
  }

 private:
  static constexpr int kRowBytes = 64, kTileColumns = 16;

  template <int kTiles, typename AnyBlock>
  static void MultiplyTiles(const AnyBlock& block) {
    const int64_t row_bytes = block.ldc * sizeof(float);
    float *c0 = block.c, *c1 = c0 + block.tile_rows * block.ldc;
    if (block.load_c) {
      _tile_loadd(0, c0, row_bytes);
      _tile_loadd(1, c0 + kTileColumns, row_bytes);
      if constexpr (kTiles == 2) {
        _tile_loadd(2, c1, row_bytes);
        _tile_loadd(3, c1 + kTileColumns, row_bytes);
      }
    } else {
      _tile_zero(0);
      _tile_zero(1);
      if constexpr (kTiles == 2) {
        _tile_zero(2);
        _tile_zero(3);
      }
    }
    AddSteps<kTiles>(block);
    _tile_stored(0, c0, row_bytes);
    _tile_stored(1, c0 + kTileColumns, row_bytes);
    if constexpr (kTiles == 2) {
      _tile_stored(2, c1, row_bytes);
      _tile_stored(3, c1 + kTileColumns, row_bytes);
    }
  }

  template <int kTiles, typename AnyBlock>
  [[gnu::always_inline]] static void AddSteps(const AnyBlock& block) {
    const int64_t a_step = int64_t{block.tile_rows} * kStep, a_tile = block.steps * a_step;
    const BFloat16* a = block.a;
    for (int step = 0; step < block.steps; ++step, a += a_step) {
      const BFloat16* b = block.b.At(step);
      block.b.Fetch(step);
      _tile_loadd(6, b, 2 * kRowBytes);
      _tile_loadd(4, a, kRowBytes);
      _tile_dpbf16ps(0, 4, 6);
      _tile_loadd(7, b + kWidth, 2 * kRowBytes);
      _tile_dpbf16ps(1, 4, 7);
      if constexpr (kTiles == 2) {
        _tile_loadd(5, a + a_tile, kRowBytes);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
      }
    }
  }
};

}  // namespace

const Bf16Products& Products() {
  static constexpr Bf16Products kProducts = ProductsOf<AmxLevel>("amx");
  return kProducts;
}

const Bf16Attention& Attention() {
  static constexpr Bf16Attention kAttention = AttentionOf<AmxLevel>("amx");
  return kAttention;
}

}  // namespace GRPO_ISA
}  // namespace grpo
