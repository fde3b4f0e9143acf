// The loops that are added for a drafter.
// RUN: yoke-opt %s --yoke-make-loop | FileCheck %s --check-prefix=PLAIN
// RUN: yoke-opt %s --yoke-make-loop="drafter=prompt_lookup match=2 copied=5 rows=16" | FileCheck %s --check-prefix=LOOKUP
// RUN: yoke-opt %s --yoke-make-loop="drafter=token_recycling topology=[0],[1],[0,0]" | FileCheck %s --check-prefix=FIXED
// RUN: not yoke-opt %s --yoke-make-loop="drafter=medusa" 2>&1 | FileCheck %s --check-prefix=HEADS
// RUN: not yoke-opt %s --yoke-make-loop="rows=0" 2>&1 | FileCheck %s --check-prefix=ROWS
// RUN: not yoke-opt %s --yoke-make-loop="drafter=token_recycling topology=[1,0]" 2>&1 | FileCheck %s --check-prefix=ORPHAN

!cache = !llm.kv_cache<layers = 1, heads = 1, head_dim = 8, f32>

// PLAIN: func.func @generate(%{{.*}}: !decode.text, %{{.*}}: !llm.kv_cache<
// PLAIN: decode.loop
// PLAIN: %[[ROOT:.+]] = decode.tree <> of
// PLAIN: %[[LOGITS:.+]], %[[CACHE:.+]] = decode.verify @step(%[[ROOT]],
// PLAIN: %[[TEXT:.+]] = decode.sample sampled(%[[LOGITS]])
// PLAIN: decode.yield %[[TEXT]], %[[CACHE]]
// PLAIN: func.func @generate_greedy(
// PLAIN: decode.sample greedy(

// LOOKUP: func.func @generate(%{{.*}}: !decode.text, %{{.*}}: !decode.draft_state<prompt_lookup>,
// LOOKUP: %[[TREE:.+]] = decode.draft prompt_lookup %{{.*}} {copied = 5 : i64, match = 2 : i64} : <prompt_lookup> -> <nodes = 16, depth = 5>
// LOOKUP: %[[LOGITS:.+]], %[[CACHE:.+]] = decode.verify @step(%[[TREE]],
// LOOKUP-NOT: decode.learn
// LOOKUP: %[[PATH:.+]], %[[TEXT:.+]] = decode.accept sampled %[[TREE]], (%[[LOGITS]])
// LOOKUP: %[[KEPT:.+]] = decode.commit %[[PATH]], %[[CACHE]]
// LOOKUP: decode.yield %[[TEXT]], %{{.*}}, %[[KEPT]]
// LOOKUP: func.func @generate_greedy(

// FIXED: decode.draft token_recycling %{{.*}} {topology = #decode.topology<[0], [1], [0, 0]>} : <token_recycling> -> <nodes = 4, depth = 2>
// FIXED: decode.learn

// HEADS: expected none or a kind of decode.draft as the drafter, found medusa
// ROWS: expected rows from 1 to 1024, found 0
// ORPHAN: path [1, 0]: its parent is not in the tree
func.func private @step(tensor<?xi32>, !llm.batch, !cache) -> (tensor<?x100xf32>, !cache)
