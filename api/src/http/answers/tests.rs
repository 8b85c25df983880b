//! How much memory answers may hold.

use super::*;

fn page(most: usize, lengths: &[usize]) -> (Vec<usize>, bool) {
    let mut entries = Entries::new(most);
    for length in lengths {
        if entries.add("x".repeat(length - 2)).is_break() {
            break;
        }
    }
    let (entries, is_more) = entries.finish();
    (entries.iter().map(json_length).collect(), is_more)
}

#[test]
fn a_page_ends_before_it_has_too_many_entries_or_bytes() {
    assert_eq!(page(2, &[10, 10]), (vec![10, 10], false));
    assert_eq!(page(2, &[10, 10, 10]), (vec![10, 10], true));
    let half = PAGE_BYTES / 2;
    assert_eq!(page(9, &[half, half]), (vec![half, half], false));
    assert_eq!(page(9, &[half, half, 10]), (vec![half, half], true));
}

#[test]
fn an_entry_that_is_longer_than_a_page_is_a_page_of_its_own() {
    assert_eq!(page(9, &[2 * PAGE_BYTES, 10]), (vec![2 * PAGE_BYTES], true));
    assert_eq!(page(9, &[10, 2 * PAGE_BYTES]), (vec![10], true));
}

#[tokio::test]
async fn room_is_taken_until_the_last_of_the_bytes_is_dropped() {
    let answers = Answers::with(1, 8 << 10);
    let held = answers.hold(&[0; 5000]).await.unwrap();
    assert_eq!(answers.room.available_permits(), 3);
    let part = held.slice(..10);
    drop(held);
    assert_eq!(answers.room.available_permits(), 3);
    drop(part);
    assert_eq!(answers.room.available_permits(), 8);
    assert_eq!(answers.hold(&[0; 100_000]).await.unwrap().len(), 100_000);
}

#[tokio::test]
async fn an_answer_without_room_is_refused_in_the_end() {
    let answers = Answers { patience: Duration::ZERO, ..Answers::with(1, 1 << 10) };
    let _held = answers.hold(&[0; 1000]).await.unwrap();
    assert!(answers.hold(&[0; 1000]).await.is_err());
}

#[tokio::test]
async fn a_page_that_its_client_has_left_is_read_to_its_end() {
    let answers = Answers { patience: Duration::ZERO, ..Answers::with(1, 1 << 10) };
    let (left, is_left) = tokio::sync::oneshot::channel::<()>();
    let page = answers.read(async { is_left.await.ok() });
    assert!(timeout(Duration::ZERO, page).await.is_err());
    assert!(answers.read(async {}).await.is_err());
    left.send(()).unwrap();
    let patient = Answers { patience: PATIENCE, ..answers };
    assert!(patient.read(async {}).await.is_ok());
}
