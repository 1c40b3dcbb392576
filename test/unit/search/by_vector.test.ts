import { expect, test } from "vitest";
import { resolveOpenOptions } from "../../../src/api/open.js";
import { resolveSearchOptions } from "../../../src/api/search.js";
import { conditionOf } from "../../../src/filter/match.js";
import { OpenStore } from "../../../src/memory/open_store.js";
import { VectorSearch } from "../../../src/search/by_vector.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { items, openStore, temporaryFile } from "../../support/store.js";
import { openDatabase } from "../storage/temporary_store.js";

test("a filtered search looks again however often others give the passages new nodes", async () => {
  const file = await temporaryFile();
  const other = await openStore(file, { embedder: fakeEmbedder(), durability: "normal" });
  await other.add(items(20));
  const store = new OpenStore(await openDatabase(file), resolveOpenOptions({ embedder: fakeEmbedder() }));
  const { views } = store;
  const linked = views.linked.bind(views);
  let left = 12;
  // Others write between the filter and the rows.
  views.linked = async () => {
    if (left-- > 0) {
      await other.delete({ all: true });
      await other.add(items(20));
    }
    return await linked();
  };
  const filter = conditionOf({ n: { $lt: 3 } });
  const { signal } = new AbortController();
  const search = new VectorSearch(store).search({ query: "river", settings: resolveSearchOptions(), filter, signal });
  expect((await search).hits.map(({ id }) => id).sort()).toEqual(["p0", "p1", "p2"]);
});
