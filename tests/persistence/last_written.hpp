#pragma once
#include <functional>
#include <string>
#include <utility>

#include "persistence/journal_sink.hpp"

namespace kontor::persistence {

/// Keeps the last row that was put: what a run of keys writes.
class Written final : public JournalSink {
 public:
  Position append(Stream, RecordKind, std::string, std::int64_t) override { return 0; }
  void put(Table, std::string, RecordKind, std::string payload) override { block = std::move(payload); }
  void erase(Table, std::string) override {}
  void truncate(Stream, Position) override {}
  void after_durable(std::function<void()>) override {}
  std::string block;
};

}  // namespace kontor::persistence
