#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "kernel/kernel.h"

/// A test that runs once for each compiled table, that table forced; on a machine that cannot run it, it is skipped.
class InstructionSet : public testing::TestWithParam<const embedless::kernel::Table*> {
 protected:
  void SetUp() override {
    if (!embedless::kernel::force(GetParam()->name)) {
      GTEST_SKIP() << "this processor does not support " << GetParam()->name;
    }
  }
  void TearDown() override { embedless::kernel::force(""); }

  static const embedless::kernel::Table& table() { return embedless::kernel::active(); }
  static const embedless::kernel::Table& scalar() { return *embedless::kernel::tables().front(); }
};

inline std::vector<const embedless::kernel::Table*> compiled_tables() {
  const auto tables = embedless::kernel::tables();
  return {tables.begin(), tables.end()};
}

inline std::string table_name(const testing::TestParamInfo<const embedless::kernel::Table*>& info) {
  return info.param->name;
}
