// SPDX-License-Identifier: Apache-2.0
//
// What a step asks its participant to do. Names are persisted.
#pragma once

#include <string_view>

namespace holdfast::model::action {

// Of the driver.
inline constexpr std::string_view kPlan = "plan";  // no effect; make, amend, resolve the plan
inline constexpr std::string_view kProvision = "provision";  // undone by destroy
inline constexpr std::string_view kStart = "start";          // undone by stop
inline constexpr std::string_view kStop = "stop";
inline constexpr std::string_view kDestroy = "destroy";

// Of extensions: the hooks that are steps (validate and configure_launch have no effects).
inline constexpr std::string_view kBeforeLaunch = "before_launch";  // undone by one of the next two
inline constexpr std::string_view kAfterLaunchFailed = "after_launch_failed";
inline constexpr std::string_view kAfterDelete = "after_delete";
inline constexpr std::string_view kAfterLaunchSucceeded = "after_launch_succeeded";
inline constexpr std::string_view kBeforeStop = "before_stop";
inline constexpr std::string_view kAfterStop = "after_stop";
inline constexpr std::string_view kBeforeStart = "before_start";
inline constexpr std::string_view kAfterStart = "after_start";
inline constexpr std::string_view kBeforeDelete = "before_delete";

// As the action of an Undo of before_launch: which of the two release hooks is called depends on
// why it is undone (after_launch_failed when rolling back, after_delete when deleting).
inline constexpr std::string_view kRelease = "release";

}  // namespace holdfast::model::action
