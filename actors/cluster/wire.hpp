#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "actors/messages.hpp"
#include "persistence/bytes.hpp"

/// The messages that cross from node to node, as bytes. Grammar (alphabet in persistence/bytes.hpp):
///
///   frame    := envelope*
///   envelope := to: u16, kind: u8, ticket: varint, body: sized      (ticket: 0, or the question that an answer is for)
///
/// What is read is checked as far as it could do harm: counts against the bytes that are there, indexes against what
/// they point into, enumerations against their lists. Bodies come from a node that has shown its certificate; whether
/// that node may say what it says is the reception's business (reception.hpp).
namespace kontor::actors::wire {

/// Version of the grammar: nodes of different versions do not talk.
inline constexpr std::uint16_t kVersion = 4;

/// On the wire: append only, or change kVersion.
enum class Kind : std::uint8_t {
  prepare = 1,
  site_votes,
  decisions,
  acknowledge,
  inquire,
  notices,
  submit,  ///< Answered by outcomes, as amend is.
  amend,
  outcomes,
  read_account,  ///< Answered by an answer of the same ticket, as all reads are.
  read_product,
  read_products,
  read_order,
  read_transaction,
  read_events,
  answer,
  listed,  ///< Products as their own shard has them now: for price lists.
  read_accounts,
  moved,   ///< Answers a question about a shard that is not here: nothing was done.
  places,  ///< Where all shards are, as the sender knows (wire_moves.hpp).
  // Answered by a verdict: a shard moves.
  move,   ///< To whom has it: give it to another member.
  offer,  ///< Its file begins to come.
  block,
  seal,   ///< All of it has come: asks for the vote.
  whose,  ///< From who voted yes: what was decided?
  verdict,
  members,  ///< Who belongs to the cluster, as the sender knows (persistence::write_members).
  enlist,   ///< To the registrar: one more is to belong to it. Answered by a verdict.
};
inline constexpr auto kKindLast = Kind::enlist;

struct Envelope {
  ShardId to = 0;
  Kind kind = Kind::prepare;
  std::uint64_t ticket = 0;
  std::string_view body;
};
void write(persistence::ByteWriter& out, const Envelope& envelope);
/// Fails on a kind that is not listed.
Envelope read_envelope(persistence::ByteReader& in);

// Each `read_…` fails the reader, and what it returns is not to be used, when bytes are left or wrong.

void write_error(persistence::ByteWriter& out, const Error& error);
Error read_error(persistence::ByteReader& in);

/// With every line's price resolved, as stored and read operations are.
void write_operation(persistence::ByteWriter& out, const Operation& operation);
Operation read_operation(persistence::ByteReader& in);

/// Only what shard `to` is asked, and the heads of all transactions.
void write_prepare(persistence::ByteWriter& out, const Batch& batch, ShardId to);
BatchPtr read_prepare(persistence::ByteReader& in, ShardId to, std::uint16_t shards);

/// Says which batch it is about; the batch that is read has no parts.
void write_site_votes(persistence::ByteWriter& out, const SiteVotes& votes);
SiteVotes read_site_votes(persistence::ByteReader& in);

void write_decisions(persistence::ByteWriter& out, const Decisions& message);
Decisions read_decisions(persistence::ByteReader& in);
void write_transactions(persistence::ByteWriter& out, ShardId site, const std::vector<TransactionId>& transactions);
std::pair<ShardId, std::shared_ptr<const std::vector<TransactionId>>> read_transactions(persistence::ByteReader& in);
void write_notices(persistence::ByteWriter& out, const Notices& message);
Notices read_notices(persistence::ByteReader& in);
/// Whether they speak of shards that there are, and no others: what is told about them goes to each.
bool stays_within(const Notices& message, std::uint16_t shards);

/// Indexes are not told: the outcomes speak of its transactions by number, from 0. `now_ns`: by each node's own clock.
/// Machines differ in it; a deadline is as far away for the reader as it was for the writer.
void write_submission(persistence::ByteWriter& out, const Submission& submission, std::int64_t now_ns);
std::shared_ptr<Submission> read_submission(persistence::ByteReader& in, std::uint16_t shards, std::int64_t now_ns);
/// Likewise. Each must amend an order of shard `to`.
void write_amend(persistence::ByteWriter& out, const Amend::List& list, std::int64_t now_ns);
std::shared_ptr<Amend::List> read_amend(persistence::ByteReader& in, ShardId to, std::int64_t now_ns);
void write_outcomes(persistence::ByteWriter& out, std::span<const Outcome> outcomes);
std::vector<Outcome> read_outcomes(persistence::ByteReader& in);

}  // namespace kontor::actors::wire
