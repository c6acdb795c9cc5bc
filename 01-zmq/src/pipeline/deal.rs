//! The order in which dealing round is fair.
//!
//! A PUSH deals to worker 1, 2, …, n, 1, 2, …, whatever the messages are. In the order of the seed one worker may get all
//! the long tasks. So the longest go first, and every other round is turned: who gets the longest of one round gets the
//! shortest of the next.

use super::task::Task;

/// The tasks in the order in which they are to be pushed to so many workers.
pub fn deal(mut tasks: Vec<Task>, workers: u32) -> Vec<Task> {
    let round = usize::try_from(workers.max(1)).unwrap_or(usize::MAX);
    // solution: begin — Part C: deal the tasks
    // Equal ones by number, so that the order is the same on every machine.
    tasks.sort_by_key(|task| (std::cmp::Reverse(task.ms), task.id));
    for turned in tasks.chunks_mut(round).skip(1).step_by(2) {
        turned.reverse();
    }
    tasks
    // solution: end
}

/// How long each worker has to work when tasks in this order are dealt round, in milliseconds.
pub fn loads(dealt: &[Task], workers: u32) -> Vec<u64> {
    let mut loads = vec![0; workers as usize];
    for (place, task) in dealt.iter().enumerate() {
        loads[place % workers as usize] += u64::from(task.ms);
    }
    loads
}
