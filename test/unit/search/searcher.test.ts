import { expect, test } from "vitest";
import { resolveOpenOptions, resolveSearchOptions } from "../../../src/options.js";
import { readCondition } from "../../../src/passage/filter_match.js";
import { Searcher } from "../../../src/search/searcher.js";
import { Views } from "../../../src/search/view.js";
import { assemble } from "../../../src/store_parts.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { items, openStore, temporaryFile } from "../../support/store.js";
import { openDatabase } from "../storage/temporary_store.js";

test("a filtered search looks again however often others give the passages new nodes", async () => {
  const file = await temporaryFile();
  const other = await openStore(file, { embedder: fakeEmbedder(), durability: "normal" });
  await other.add(items(20));
  let left = 12;
  /** Others write between the filter and the rows. */
  class BusyViews extends Views {
    override async newest() {
      if (left-- > 0) {
        await other.delete({ all: true });
        await other.add(items(20));
      }
      return await super.newest();
    }
  }
  const settings = resolveOpenOptions({ embedder: fakeEmbedder() });
  const { graph, index, passages, filters, model } = assemble(await openDatabase(file), settings, undefined);
  const searcher = new Searcher(
    {
      views: new BusyViews(graph, () => index),
      passages,
      filters,
      model: () => model.proven(),
      kept: () => undefined,
      waiting: (others) => others,
    },
    settings,
  );
  const filter = readCondition({ n: { $lt: 3 } });
  const search = searcher.search("river", resolveSearchOptions(), filter, new AbortController().signal);
  expect((await search).hits.map(({ id }) => id).sort()).toEqual(["p0", "p1", "p2"]);
});
