#pragma once
#include <functional>
#include <future>
#include <memory>
#include <vector>

#include <caf/all.hpp>

#include "actors/submission.hpp"
#include "domain/commit/quorum.hpp"

/// Every message that crosses a mailbox, and the actors' interfaces. All are one-way and carry whole batches; payloads
/// are immutable and shared, so a message costs the same for one checkout as for four thousand.
namespace kontor::actors {

/// Engine or order actor -> coordinator: begin these transactions. Answered through Submission::on_outcomes.
struct Submit {
  SubmissionPtr submission;
};
/// Coordinator -> itself, behind all that is queued: make one batch of what has gathered.
struct Flush {};
/// Coordinator -> its participants, and -> coordinators of other sites. Answered by Votes or SiteVotes.
struct Prepare {
  BatchPtr batch;
};
/// Participant -> its own shard's coordinator. What is not refused is a yes, and is in the journal at `position`.
struct Votes {
  BatchPtr batch;
  commit::Role role = commit::Role::order;
  Position position = 0;
  std::vector<commit::Refusal> refusals;
};
/// Site's coordinator -> the batch's coordinator; its yes votes are durable.
struct SiteVotes {
  BatchPtr batch;
  ShardId site = 0;
  std::vector<commit::Refusal> refusals;
};
/// Journal -> coordinator.
struct Durable {
  Position position = 0;
};
/// Coordinator -> its participants: durable decisions whose record is at `position`; `early` ones came before prepare.
struct Decide {
  struct List {
    Position position = 0;
    std::vector<commit::Decision> decisions;
    std::vector<commit::Decision> early;
  };
  std::shared_ptr<const List> list;
};
/// Coordinator -> another site's coordinator. Re-sent until acknowledged.
struct Decisions {
  ShardId coordinator = 0;
  std::shared_ptr<const std::vector<commit::Decision>> decisions;
};
/// Site's coordinator -> coordinator: these commits are applied durably here.
struct Acknowledge {
  ShardId site = 0;
  std::shared_ptr<const std::vector<TransactionId>> transactions;
};
/// Site in doubt -> coordinator. Answered by Decisions for what is decided; silence means still voting: ask again.
struct Inquire {
  ShardId site = 0;
  std::shared_ptr<const std::vector<TransactionId>> transactions;
};

/// Between coordinators: three-phase commit (domain/commit/quorum.hpp), all that goes to one site in one message.
struct Notices {
  ShardId site = 0;  ///< Of the sender.
  std::shared_ptr<const std::vector<commit::Notice>> notices;
};

/// Engine -> coordinator (and its own bytes limit): begin a checkpoint. `done` is called when it is durable.
struct Checkpoint {
  std::shared_ptr<std::function<void()>> done;
};
/// Coordinator -> participants: note what is open, then store what changed, slice by slice.
struct Capture {};
/// Participant -> itself: the next slice.
struct Slice {};
/// What a slice leaves to do; `when_durable`: some, once all that is queued is on disk.
enum class Left : std::uint8_t { none, some, when_durable };
/// Participant -> coordinator: all of it is queued.
struct Captured {
  commit::Role role = commit::Role::order;
};

/// Journal -> coordinator: the checkpoint is durable.
struct CheckpointDone {};

/// Coordinator -> itself, every kTickEvery: deadlines, and what is unanswered is sent again.
struct Tick {};
/// Engine -> coordinator: what is in doubt on its shard, ascending, after `from`.
struct ReadDoubts {
  std::optional<TransactionId> from;
  std::size_t most = 0;
  OnRead<DoubtPage> answer;
};
/// Engine -> coordinator: ask for the end of this one now, and tell whether it committed.
struct ResolveDoubt {
  TransactionId transaction;
  OnRead<bool> answer;
};
/// Engine -> coordinator: answer whatever is open as unknown; nothing more will come.
struct GiveUp {
  std::shared_ptr<std::promise<void>> done;
};

struct ReadAccount {
  AccountId account;
  OnRead<Account> answer;
};
struct ReadAccounts {
  std::optional<AccountId> from;
  std::size_t most = 0;
  OnRead<AccountPage> answer;
};
struct ReadProduct {
  Sku sku;
  OnRead<Product> answer;
};
struct ReadProducts {
  std::optional<Sku> from;
  bool back = false;
  std::size_t most = 0;
  OnRead<ProductPage> answer;
};
struct ReadOrder {
  OrderId order;
  OnRead<Order> answer;
};
struct ReadTransaction {
  TransactionId transaction;
  OnRead<TransactionRecord> answer;
};

struct ReadEvents {
  std::uint64_t after = 0;
  std::size_t most = 0;
  OnRead<EventPage> answer;
};

/// Coordinator -> its order actor, at each tick while reservations hold stock: release those that have expired. It
/// plans and submits that like an Amend; the transaction decides.
struct Sweep {};

/// Engine -> order actor of the order's home: plan amendments against the order as it is, then submit them to the home
/// of their keys.
struct Amend {
  struct List {
    std::vector<Request> requests;
    std::vector<std::uint32_t> indexes;
    OnOutcomes on_outcomes;
  };
  std::shared_ptr<const List> list;
};

using CoordinatorActor =
    caf::typed_actor<caf::reacts_to<Submit>, caf::reacts_to<Flush>, caf::reacts_to<Prepare>, caf::reacts_to<Votes>,
                     caf::reacts_to<SiteVotes>, caf::reacts_to<Durable>, caf::reacts_to<Decisions>,
                     caf::reacts_to<Acknowledge>, caf::reacts_to<Inquire>, caf::reacts_to<Notices>,
                     caf::reacts_to<Checkpoint>, caf::reacts_to<CheckpointDone>, caf::reacts_to<Captured>,
                     caf::reacts_to<Tick>, caf::reacts_to<GiveUp>, caf::reacts_to<ReadDoubts>,
                     caf::reacts_to<ResolveDoubt>>;
using OrderActor = caf::typed_actor<caf::reacts_to<Prepare>, caf::reacts_to<Decide>, caf::reacts_to<Capture>,
                                    caf::reacts_to<Slice>, caf::reacts_to<Amend>, caf::reacts_to<ReadOrder>,
                                    caf::reacts_to<ReadTransaction>, caf::reacts_to<ReadEvents>, caf::reacts_to<Sweep>>;
using InventoryActor =
    caf::typed_actor<caf::reacts_to<Prepare>, caf::reacts_to<Decide>, caf::reacts_to<Capture>, caf::reacts_to<Slice>,
                     caf::reacts_to<ReadProduct>, caf::reacts_to<ReadProducts>>;
using PaymentActor = caf::typed_actor<caf::reacts_to<Prepare>, caf::reacts_to<Decide>, caf::reacts_to<Capture>,
                                      caf::reacts_to<Slice>, caf::reacts_to<ReadAccount>, caf::reacts_to<ReadAccounts>>;

}  // namespace kontor::actors

// Local to a process: what crosses nodes will have its own serialised forms.
#define KONTOR_LOCAL_MESSAGE(name) CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kontor::actors::name)
KONTOR_LOCAL_MESSAGE(Submit)
KONTOR_LOCAL_MESSAGE(Flush)
KONTOR_LOCAL_MESSAGE(Prepare)
KONTOR_LOCAL_MESSAGE(Votes)
KONTOR_LOCAL_MESSAGE(SiteVotes)
KONTOR_LOCAL_MESSAGE(Durable)
KONTOR_LOCAL_MESSAGE(Decide)
KONTOR_LOCAL_MESSAGE(Decisions)
KONTOR_LOCAL_MESSAGE(Acknowledge)
KONTOR_LOCAL_MESSAGE(Inquire)
KONTOR_LOCAL_MESSAGE(Notices)
KONTOR_LOCAL_MESSAGE(Checkpoint)
KONTOR_LOCAL_MESSAGE(Capture)
KONTOR_LOCAL_MESSAGE(Slice)
KONTOR_LOCAL_MESSAGE(Captured)
KONTOR_LOCAL_MESSAGE(CheckpointDone)
KONTOR_LOCAL_MESSAGE(Tick)
KONTOR_LOCAL_MESSAGE(GiveUp)
KONTOR_LOCAL_MESSAGE(ReadDoubts)
KONTOR_LOCAL_MESSAGE(ResolveDoubt)
KONTOR_LOCAL_MESSAGE(ReadAccount)
KONTOR_LOCAL_MESSAGE(ReadAccounts)
KONTOR_LOCAL_MESSAGE(ReadProduct)
KONTOR_LOCAL_MESSAGE(ReadProducts)
KONTOR_LOCAL_MESSAGE(ReadOrder)
KONTOR_LOCAL_MESSAGE(ReadTransaction)
KONTOR_LOCAL_MESSAGE(ReadEvents)
KONTOR_LOCAL_MESSAGE(Amend)
KONTOR_LOCAL_MESSAGE(Sweep)
#undef KONTOR_LOCAL_MESSAGE
