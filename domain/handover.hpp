#pragma once
#include <cstdint>
#include <optional>

#include "domain/ids.hpp"
#include "domain/ring.hpp"

/// How a shard changes its owner: an atomic commit between two members, presumed abort (Mohan, Lindsay 1983). The one
/// that has it is the coordinator, the one that gets it the participant:
///
///   giver                                   taker
///   copies the shard's file, under load →   keeps what comes aside
///   stops the shard, copies the rest    →   has all of it, durably: `promise` (its vote)
///   `give`, durably: the decision       →   `learn`: the owner, durably; opens the shard
///
/// Until the decision the giver may give up at any time and open its shard again. A taker that has promised asks the
/// giver until it hears the end; a giver that is neither giving nor has given says no. Nobody else can decide.
///
/// Each owner's time has an epoch: only the owner of epoch e makes e + 1, so an epoch has one owner, and of two places
/// that are heard the one with the larger epoch is so now, or was so later.
namespace kontor {

inline constexpr MemberId kNobody = 0xffff;      ///< As far as is known.
inline constexpr std::uint64_t kFirstEpoch = 1;  ///< Of those who had it when the cluster was made.

/// Who has a shard, since which epoch, and by which try it got there (0: since the beginning).
struct Place {
  MemberId member = kNobody;
  std::uint64_t epoch = 0;
  std::uint64_t attempt = 0;  ///< Never used twice.
  friend bool operator==(const Place&, const Place&) = default;
};

/// A promise to take a shard: all of it is here. Ended by the giver's decision only.
struct Arrival {
  MemberId from = 0;
  std::uint64_t epoch = 0;  ///< That it will have here.
  std::uint64_t attempt = 0;
  friend bool operator==(const Arrival&, const Arrival&) = default;
};

/// What a member remembers of a shard, durably before it says so.
struct Holding {
  Place place;
  std::optional<Arrival> arrival;
  friend bool operator==(const Holding&, const Holding&) = default;
};

/// Whether this is the owner's to offer, as far as is known here.
inline bool may_offer(const Holding& at, const Arrival& arrival) {
  return arrival.from == at.place.member && arrival.epoch == at.place.epoch + 1;
}

/// Whether a copy of it is taken in, and then the vote is yes.
inline bool may_take(const Holding& at, MemberId own, const Arrival& arrival) {
  return at.place.member != own && arrival.attempt != 0 && may_offer(at, arrival);
}

/// The taker's vote. False: the giver is not the owner, as far as is known here; nothing changed.
/// A promise of an earlier try is replaced: that the giver tries anew says that it did not decide the earlier one so.
inline bool promise(Holding& at, MemberId own, const Arrival& arrival) {
  if (!may_take(at, own, arrival)) return false;
  at.arrival = arrival;
  return true;
}

/// The giver's decision. It must have the shard.
inline void give(Holding& at, MemberId to, std::uint64_t attempt) { at.place = {to, at.place.epoch + 1, attempt}; }

enum class Learned : std::uint8_t {
  nothing,    ///< As known, or older.
  elsewhere,  ///< Somebody else has it now; it was not here.
  here,       ///< It is the decision that was waited for: this member has it.
  lost,       ///< This member had it, as far as it knew: its directory is an old copy.
};

/// A place that was heard, from whomever.
inline Learned learn(Holding& at, MemberId own, const Place& heard) {
  if (heard.epoch <= at.place.epoch) return Learned::nothing;
  if (heard.member == own) {
    // Without what was promised there is nothing to have: whoever says so knows more than this directory does.
    if (!at.arrival || at.arrival->epoch != heard.epoch || at.arrival->attempt != heard.attempt)
      return Learned::nothing;
    at = {heard, {}};
    return Learned::here;
  }
  const bool was_here = at.place.member == own;
  if (at.arrival && at.arrival->epoch <= heard.epoch) at.arrival.reset();
  at.place = heard;
  return was_here ? Learned::lost : Learned::elsewhere;
}

/// What a taker that has promised is told when it asks.
enum class Answer : std::uint8_t { yes, no, later };

/// `trying`: the try that the giver is at, 0: none.
inline Answer answer(const Holding& giver, MemberId asks, const Arrival& promised, std::uint64_t trying) {
  if (giver.place == Place{asks, promised.epoch, promised.attempt}) return Answer::yes;
  return trying != 0 && trying == promised.attempt ? Answer::later : Answer::no;
}

/// The giver said no.
inline bool release(Holding& at, std::uint64_t attempt) {
  if (!at.arrival || at.arrival->attempt != attempt) return false;
  at.arrival.reset();
  return true;
}

// --- What follows from it.

/// Where a member's messages for a shard go.
enum class Way : std::uint8_t {
  here,
  wait,  ///< It is coming, or nobody has told where it is.
  away,  ///< To the owner.
};
inline Way way(const Holding& at, MemberId own) {
  if (at.place.member == own) return Way::here;
  return at.place.member == kNobody || at.arrival ? Way::wait : Way::away;
}

/// Whether what comes from a member in a shard's name is taken in: only its owner speaks for it.
inline bool speaks_for(const Place& shard, MemberId from) { return shard.member == from; }

/// What lies on a member's disk when it starts: the shard, or a copy that was coming.
struct Copies {
  bool own = false, arriving = false;
};
/// What a start makes of it.
struct Tidying {
  bool leave = false;    ///< What lies there was given away: it is not opened any more.
  bool drop = false;     ///< What was coming was not promised, so it will never be asked for.
  bool bring = false;    ///< What was coming has come.
  bool missing = false;  ///< The shard is this member's, and it is not there.
};
inline Tidying tidy(const Holding& at, MemberId own, const Copies& there) {
  if (at.place.member != own) return {there.own, !at.arrival, false, false};
  if (at.place.epoch == kFirstEpoch || there.own) return {};  // As it was made, or has come.
  return {false, false, there.arriving, !there.arriving};
}

}  // namespace kontor
