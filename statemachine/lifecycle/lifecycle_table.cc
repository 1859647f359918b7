// SPDX-License-Identifier: Apache-2.0
//
// The law: from here, on this, to there. Read the table below; the rest of the file only carries
// it. Its picture is in docs/lifecycle.md, which is generated from it, as is the transition matrix.
//
// To add a row: add the state or trigger to statemachine/model/state.h if it is new, add the row in
// the group where people will look for it, raise the number of mpl::vectorN (at most 50), run the
// tests of this room once with HOLDFAST_REWRITE_GOLDEN=1, and read every changed line of the golden
// files.
//
// The only file that includes Boost.MSM: a table of this size takes long to compile, so it is
// compiled once. Promises: pure, thread-safe, no exception leaves. MSM numbers its states by the
// order of the rows; those numbers stay in this file, and only names are ever persisted.
#include <array>
#include <boost/mpl/for_each.hpp>
#include <boost/mpl/vector/vector50.hpp>
#include <boost/msm/back/metafunctions.hpp>
#include <boost/msm/back/state_machine.hpp>
#include <boost/msm/front/functor_row.hpp>
#include <boost/msm/front/state_machine_def.hpp>
#include <cstddef>
#include <type_traits>

#include "statemachine/lifecycle/lifecycle.h"
#include "support/check.h"

namespace holdfast::lifecycle {
namespace {

// In its own namespace because MSM, too, calls a row of its table Row.
namespace table {

using boost::msm::front::none;
using boost::msm::front::Row;

// States and triggers as types, from the one list of each.
#define HOLDFAST_X(name, text)                                    \
  struct name : boost::msm::front::state<> {                      \
    static constexpr model::State kState = model::State::k##name; \
  };
HOLDFAST_STATES(HOLDFAST_X)
#undef HOLDFAST_X
#define HOLDFAST_X(name, text)                                          \
  struct name {                                                         \
    static constexpr model::Trigger kTrigger = model::Trigger::k##name; \
  };
HOLDFAST_TRIGGERS(HOLDFAST_X)
#undef HOLDFAST_X

// What is due on arrival: says so, and does nothing else.
template <Duty duty>
struct Due {
  static constexpr Duty kDuty = duty;
  template <typename Event, typename Machine, typename From, typename To>
  void operator()(const Event&, Machine& machine, From&, To&) const {
    machine.duty = duty;
  }
};
using Validate = Due<Duty::kValidate>;
using Plan = Due<Duty::kPlan>;
using Prepare = Due<Duty::kPrepare>;
using Provision = Due<Duty::kProvision>;
using Start = Due<Duty::kStart>;
using Settle = Due<Duty::kSettle>;
using Stop = Due<Duty::kStop>;
using Unwind = Due<Duty::kUnwind>;
using Release = Due<Duty::kRelease>;

// Guards: what of the facts decides where one trigger leads to more than one state.
struct Creating {
  static constexpr std::string_view kText = "creating";
  template <typename Event, typename Machine, typename From, typename To>
  bool operator()(const Event&, const Machine& machine, From&, To&) const {
    return machine.facts.creating;
  }
};
struct NotCreating {
  static constexpr std::string_view kText = "not creating";
  template <typename Event, typename Machine, typename From, typename To>
  bool operator()(const Event&, const Machine& machine, From&, To&) const {
    return !machine.facts.creating;
  }
};
// One for each state, although not every state can be parked in.
#define HOLDFAST_X(name, text)                                                     \
  struct ParkedIn##name {                                                          \
    [[maybe_unused]] static constexpr std::string_view kText = "parked in " #name; \
    template <typename Event, typename Machine, typename From, typename To>        \
    bool operator()(const Event&, const Machine& machine, From&, To&) const {      \
      return machine.facts.parked_in == model::State::k##name;                     \
    }                                                                              \
  };
HOLDFAST_STATES(HOLDFAST_X)
#undef HOLDFAST_X

struct Front : boost::msm::front::state_machine_def<Front> {
  // Of a fresh machine; every call restores the state that it is about.
  using initial_state = Requested;
  // Nothing here throws; without this MSM would swallow it if it did.
  using no_exception_thrown = int;
  // No action fires a trigger.
  using no_message_queue = int;

  // clang-format off
  //       from          trigger             to            due        guard
  struct transition_table : boost::mpl::vector44<
    // Create, step by step.
    Row<Requested,    ValidationStarted,  Validating,   Validate,  none>,
    Row<Validating,   ValidationPassed,   Planning,     Plan,      none>,
    Row<Planning,     PlanResolved,       Preparing,    Prepare,   none>,
    Row<Preparing,    ExtensionsPrepared, Provisioning, Provision, none>,
    Row<Provisioning, Provisioned,        Starting,     Start,     none>,
    Row<Starting,     Started,            Running,      Settle,    none>,
    // Stop, the workload's own end, and start again.
    Row<Running,      StopRequested,      Stopping,     Stop,      none>,
    Row<Stopping,     StopCompleted,      Stopped,      none,      none>,
    Row<Running,      WorkloadExited,     Stopped,      none,      none>,
    Row<Stopped,      StartRequested,     Starting,     Start,     none>,
    // An operation fails before its pivot and is undone. A stop is finished forward: it has no row.
    Row<Requested,    OperationFailed,    RollingBack,  Unwind,    none>,
    Row<Validating,   OperationFailed,    RollingBack,  Unwind,    none>,
    Row<Planning,     OperationFailed,    RollingBack,  Unwind,    none>,
    Row<Preparing,    OperationFailed,    RollingBack,  Unwind,    none>,
    Row<Provisioning, OperationFailed,    RollingBack,  Unwind,    none>,
    Row<Starting,     OperationFailed,    RollingBack,  Unwind,    none>,
    Row<RollingBack,  RollbackCompleted,  Failed,       none,      Creating>,
    Row<RollingBack,  RollbackCompleted,  Stopped,      none,      NotCreating>,
    // Work that needs an operator is parked, and taken up again where it was.
    Row<Preparing,    WorkParked,         Stuck,        none,      none>,
    Row<Provisioning, WorkParked,         Stuck,        none,      none>,
    Row<Starting,     WorkParked,         Stuck,        none,      none>,
    Row<Stopping,     WorkParked,         Stuck,        none,      none>,
    Row<RollingBack,  WorkParked,         Stuck,        none,      none>,
    Row<Deleting,     WorkParked,         Stuck,        none,      none>,
    Row<Stuck,        RepairRequested,    Preparing,    Prepare,   ParkedInPreparing>,
    Row<Stuck,        RepairRequested,    Provisioning, Provision, ParkedInProvisioning>,
    Row<Stuck,        RepairRequested,    Starting,     Start,     ParkedInStarting>,
    Row<Stuck,        RepairRequested,    Stopping,     Stop,      ParkedInStopping>,
    Row<Stuck,        RepairRequested,    RollingBack,  Unwind,    ParkedInRollingBack>,
    Row<Stuck,        RepairRequested,    Deleting,     Release,   ParkedInDeleting>,
    // Delete overtakes everything but itself.
    Row<Requested,    DeleteRequested,    Deleting,     Release,   none>,
    Row<Validating,   DeleteRequested,    Deleting,     Release,   none>,
    Row<Planning,     DeleteRequested,    Deleting,     Release,   none>,
    Row<Preparing,    DeleteRequested,    Deleting,     Release,   none>,
    Row<Provisioning, DeleteRequested,    Deleting,     Release,   none>,
    Row<Starting,     DeleteRequested,    Deleting,     Release,   none>,
    Row<Running,      DeleteRequested,    Deleting,     Release,   none>,
    Row<Stopping,     DeleteRequested,    Deleting,     Release,   none>,
    Row<Stopped,      DeleteRequested,    Deleting,     Release,   none>,
    Row<RollingBack,  DeleteRequested,    Deleting,     Release,   none>,
    Row<Failed,       DeleteRequested,    Deleting,     Release,   none>,
    Row<Stuck,        DeleteRequested,    Deleting,     Release,   none>,
    Row<Deleting,     DeleteCompleted,    Deleted,      none,      none>,
    // The id is used again.
    Row<Deleted,      SandboxRequested,   Requested,    none,      none>> {};
  // clang-format on

  // No row. MSM's default is an assertion; here the answer is read from what process_event returns,
  // which also tells of a guard that said no.
  template <typename Machine, typename Event>
  void no_transition(const Event&, Machine&, int) {}

  Facts facts;
  Duty duty = Duty::kNone;
};

}  // namespace table

using Machine = boost::msm::back::state_machine<table::Front>;

#define HOLDFAST_X(name, text) +1
constexpr std::size_t kStateCount = 0 HOLDFAST_STATES(HOLDFAST_X);
#undef HOLDFAST_X

template <typename S>
constexpr int kMsmId = boost::msm::back::get_state_id<Machine::stt, S>::type::value;

// MSM's numbers, indexed by model::State. A state that no row names
// does not compile.
#define HOLDFAST_X(name, text) kMsmId<table::name>,
constexpr std::array<int, kStateCount> kMsmIds = {HOLDFAST_STATES(HOLDFAST_X)};
#undef HOLDFAST_X

// What MSM takes for an archive when it deserializes itself: puts the machine into a given state
// and leaves everything else alone. MSM has no other way in.
class StateLoader {
 public:
  explicit StateLoader(int id) : id_(id) {}
  StateLoader& operator&(int (&regions)[1]) {
    regions[0] = id_;
    return *this;
  }
  template <typename T>
  StateLoader& operator&(T&) {
    return *this;
  }

 private:
  int id_;
};

model::State StateOf(const Machine& machine) {
  const int id = machine.current_state()[0];
  for (std::size_t i = 0; i < kMsmIds.size(); ++i) {
    if (kMsmIds[i] == id) return static_cast<model::State>(i);
  }
  HF_CHECK(false);
}

// Whether the machine took the trigger.
bool Fire(Machine& machine, model::Trigger trigger) {
  switch (trigger) {
#define HOLDFAST_X(name, text)  \
  case model::Trigger::k##name: \
    return machine.process_event(table::name{}) == boost::msm::back::HANDLED_TRUE;
    HOLDFAST_TRIGGERS(HOLDFAST_X)
#undef HOLDFAST_X
  }
  return false;
}

// Reads a row of the compiled table back as data.
struct RowReader {
  std::vector<Row>& rows;

  template <typename T>
  void operator()(const T&) const {
    Row row{.from = T::Source::kState,
            .trigger = T::Evt::kTrigger,
            .to = T::Target::kState,
            .duty = Duty::kNone,
            .guard = {}};
    if constexpr (!std::is_same_v<typename T::Action, table::none>) row.duty = T::Action::kDuty;
    if constexpr (!std::is_same_v<typename T::Guard, table::none>) row.guard = T::Guard::kText;
    rows.push_back(row);
  }
};

}  // namespace

std::optional<Move> Next(model::State from, model::Trigger trigger, const Facts& facts) {
  const auto index = static_cast<std::size_t>(from);
  if (index >= kMsmIds.size()) return std::nullopt;
  // One machine a thread, because building one allocates; it keeps nothing from call to call.
  thread_local Machine machine;
  StateLoader loader(kMsmIds[index]);
  machine.serialize(loader, 0);
  machine.facts = facts;
  machine.duty = Duty::kNone;
  if (!Fire(machine, trigger)) return std::nullopt;
  return Move{StateOf(machine), machine.duty};
}

const std::vector<Row>& Rows() {
  static const std::vector<Row> kRows = [] {
    std::vector<Row> rows;
    boost::mpl::for_each<table::Front::transition_table>(RowReader{rows});
    return rows;
  }();
  return kRows;
}

}  // namespace holdfast::lifecycle
