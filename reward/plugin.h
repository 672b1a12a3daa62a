/*
 * The C interface of a reward plugin: a shared library that scores completions. It can be written
 * in any language that can export a C function; this file is valid C99 and C++ and includes nothing
 * of the program. reward/plugins/README.md shows a plugin from nothing to its first score.
 *
 * A plugin exports one function,
 *
 *   const grpo_plugin* grpo_plugin_get(void);
 *
 * which returns a table of functions that lives as long as the library. The program then calls
 *
 *   create         once, with the plugin's configuration;
 *   score          for each batch;
 *   free_results   once after each score, also after one that failed;
 *   destroy        once, at the end.
 *
 * Rules:
 * - The calls of one instance come one after the other, from any thread; with GRPO_THREAD_SAFE
 *   score and free_results may be called from several threads at once.
 * - No exception may leave a function. One that does is caught and makes the batch's items errors.
 * - Memory does not change owners: what a plugin points to in a result stays the plugin's, is read
 *   before free_results is called, and is given back there. What the program points to is valid
 *   during the call.
 * - A score is a pure function of the items: no clock, no randomness, nothing remembered between
 *   batches. Otherwise a resumed run differs from the one that was interrupted.
 * - By default the library is loaded into a helper process: one that crashes, exits or hangs costs
 *   the samples it was working on, which become errors, and the helper is started again.
 *
 * Growing without breaking: structs that the program fills begin with their size in bytes. Newer
 * programs append fields, so a plugin that reads an appended field checks first that `size` reaches
 * it. Arrays hold pointers, so a larger struct does not move its neighbours. A change that old
 * plugins cannot live with raises GRPO_PLUGIN_ABI, and the program refuses the plugin with a
 * message that names both numbers.
 */
#ifndef GRPO_REWARD_PLUGIN_H_
#define GRPO_REWARD_PLUGIN_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GRPO_PLUGIN_ABI 1u

/* `size` bytes of UTF-8 at `data`, not terminated; {NULL, 0} is empty. Bytes of a completion that
 * were not UTF-8 have been replaced by U+FFFD. */
typedef struct grpo_text {
  const char* data;
  size_t size;
} grpo_text;

/* Why a completion ended. */
enum { GRPO_FINISH_STOP = 0 /* a stop token */, GRPO_FINISH_LENGTH = 1 /* the token budget */ };

/* One completion to score. */
typedef struct grpo_item {
  uint32_t size;      /* of this struct as the program knows it */
  uint32_t finish;    /* GRPO_FINISH_... */
  uint64_t sample_id; /* place among the completions of its group, from 0; 0 where it comes alone */
  uint64_t group_id;  /* equal for the completions of one prompt, different otherwise */
  grpo_text prompt;   /* the user's message */
  grpo_text completion;
  grpo_text ground_truth;  /* the task's answer; may be empty */
  grpo_text metadata_json; /* a JSON object: the record's remaining fields; "{}" where none */
  grpo_text name;          /* the record's own id, for messages */
  grpo_text family;        /* task family or subject; may be empty */
  int32_t num_tokens;      /* of the completion */
  int32_t max_tokens;      /* the token budget that it was sampled under */
} grpo_item;

/* What is said of an item. Results come with status 0: one that is left so counts as an error, so
 * nothing is ever scored by forgetting it. */
enum {
  GRPO_SCORED = 1,  /* `score` holds: a finite number */
  GRPO_INVALID = 2, /* not applicable, or the task or its ground truth is unusable: nothing is said
                     * about the completion */
  GRPO_ERROR = 3    /* the plugin could not do its work */
};

/* A named part of a score, for the metrics: {"format", 0.5}. */
typedef struct grpo_part {
  const char* name; /* terminated by a zero byte */
  double value;     /* finite */
} grpo_part;

/* Filled in by the plugin; only the fields that `size` reaches may be written. */
typedef struct grpo_result {
  uint32_t size;    /* of this struct as the program knows it */
  uint32_t status;  /* GRPO_SCORED, GRPO_INVALID or GRPO_ERROR; 0 at first */
  double score;     /* read where the status is GRPO_SCORED */
  grpo_text reason; /* one line for a person; may stay empty */
  const grpo_part* parts;
  uint32_t num_parts; /* at most 256 */
} grpo_result;

/* What a call may ask of the program. */
typedef struct grpo_call {
  uint32_t size;
  const void* context;
  /* Not 0 when nobody waits for the results any more. Cheap: long work asks it now and then, and
   * then returns at once with what it has. */
  int32_t (*cancelled)(const void* context);
} grpo_call;

/* Flags of a plugin. */
enum {
  GRPO_THREAD_SAFE = 1, /* score may be called from several threads at once */
  GRPO_GROUP = 2 /* compares the completions of a group: a batch holds whole groups, never a part */
};

typedef struct grpo_plugin {
  uint32_t abi;        /* GRPO_PLUGIN_ABI; stays the first field in every version */
  uint32_t size;       /* sizeof(grpo_plugin) as the plugin knows it */
  const char* name;    /* for messages and metrics */
  const char* version; /* the plugin's own, for messages */
  uint32_t flags;      /* GRPO_THREAD_SAFE, GRPO_GROUP */
  uint32_t max_batch;  /* items in a batch at most; 0 for any number */

  /* Makes an instance from the configuration, a JSON object ("{}" where none is given). NULL where
   * it cannot: then a message, ended by a zero byte, stands in error[0] to error[error_size - 1].
   */
  void* (*create)(grpo_text config_json, char* error, size_t error_size);

  /* Scores items[0] to items[num_items - 1] into the results of the same places. Returns 0, or any
   * other number where the whole batch failed. */
  int32_t (*score)(void* instance, const grpo_call* call, const grpo_item* const* items,
                   uint32_t num_items, grpo_result* const* results);

  /* Gives back what the results point to. NULL where a plugin allocates nothing for them. */
  void (*free_results)(void* instance, grpo_result* const* results, uint32_t num_items);

  void (*destroy)(void* instance);
} grpo_plugin;

/* Exported by the plugin under this very name. */
#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
const grpo_plugin*
grpo_plugin_get(void);

#ifdef __cplusplus
}
#endif

#endif /* GRPO_REWARD_PLUGIN_H_ */
