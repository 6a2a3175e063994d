//! Chunks and ranges of every integer as inputs of `map`.

mod common;

use std::ops::RangeInclusive;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

use common::{Lab, on_every_pool, panic_message, rounds, watchdog};
use ringpool::{Pool, chunks, chunks_mut};

#[test]
fn chunks_are_those_of_the_standard_library() {
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        for len in (0..40).chain([99, 100, 101]).take(rounds(1000)) {
            for size in [1, 2, 3, 7, 10, 39, 40, 100, usize::MAX] {
                let xs: Vec<usize> = (0..len).collect();
                let expected: Vec<&[usize]> = xs.chunks(size).collect();
                let mut parts: Vec<&[usize]> = vec![&[]; expected.len()];
                pool.map(chunks(&xs, size), &mut parts[..], |part| part);
                assert_eq!(parts, expected);
                // The very same, not equal ones.
                let places = |parts: &[&[usize]]| -> Vec<_> {
                    parts.iter().map(|part| part.as_ptr()).collect()
                };
                assert_eq!(places(&parts), places(&expected));
            }
        }
    });
}

#[test]
fn mutable_chunks_are_those_of_the_standard_library() {
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        for len in (0..40).chain([99, 100, 101]).take(rounds(1000)) {
            for size in [1, 2, 3, 7, 10, 39, 40, 100, usize::MAX] {
                let mut xs = vec![0; len];
                let mut expected = xs.clone();
                for (k, part) in expected.chunks_mut(size).enumerate() {
                    part.fill(100 * k + part.len());
                }
                let numbers = 0..len.div_ceil(size);
                pool.map((numbers, chunks_mut(&mut xs, size)), (), |(k, part)| {
                    part.fill(100 * k + part.len());
                });
                assert_eq!(xs, expected);
            }
        }
    });
}

#[test]
fn an_image_by_rows() {
    const WIDTH: usize = 64;
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        let mut image = [[0u8; WIDTH]; 48];
        let pixels = image.as_flattened_mut();
        pool.map((chunks_mut(pixels, WIDTH), 0..48), (), |(row, y)| {
            // A row in pieces.
            pool.map((chunks_mut(row, 10), 0..7), (), |(part, k)| {
                for (x, pixel) in part.iter_mut().enumerate() {
                    *pixel = y + 3 * (10 * k + x as u8);
                }
            });
        });
        for (y, row) in image.iter().enumerate() {
            assert!(
                row.iter()
                    .enumerate()
                    .all(|(x, pixel)| *pixel as usize == y + 3 * x)
            );
        }
    });
}

#[test]
fn chunks_of_elements_without_a_size() {
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        let mut lengths = [0; 4];
        pool.map(chunks(&[(); 350], 100), &mut lengths, <[()]>::len);
        assert_eq!(lengths, [100, 100, 100, 50]);
        let huge = usize::MAX / 4 + 1;
        pool.map(
            chunks_mut(&mut [(); usize::MAX], huge),
            &mut lengths,
            |part| part.len(),
        );
        assert_eq!(lengths, [huge, huge, huge, huge - 1]);
    });
}

/// What `call` says as it panics, and in which line of this file.
fn panics(call: impl FnOnce()) -> (String, u32) {
    static HOOK: Mutex<()> = Mutex::new(());
    let _alone = HOOK.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let place = std::sync::Arc::new(Mutex::new(None));
    let (seen, this) = (place.clone(), thread::current().id());
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if thread::current().id() == this {
            let at = info.location().unwrap();
            *seen.lock().unwrap() = Some((at.file().to_owned(), at.line()));
        } else {
            eprintln!("{info}");
        }
    }));
    let message = panic_message(call);
    std::panic::set_hook(before);
    let (file, line) = place.lock().unwrap().take().unwrap();
    assert!(file.ends_with("inputs.rs"), "{file}");
    (message, line)
}

#[test]
fn a_chunk_of_nothing_is_refused_at_its_caller() {
    let message = "ringpool: the size of a chunk must not be 0".to_owned();
    let line = line!() + 1;
    let one = panics(|| drop(chunks(&[1, 2, 3], 0)));
    let other = panics(|| drop(chunks_mut(&mut [1, 2, 3], 0)));
    assert_eq!(one, (message.clone(), line));
    assert_eq!(other, (message, line + 1));
}

#[test]
fn chunks_and_outputs_that_differ_in_length_are_told_so() {
    let pool: Pool<2, Lab> = Pool::new(Lab::lazy());
    let line = line!() + 1;
    let (message, at) = panics(|| pool.map(chunks(&[1; 10], 3), &mut [0; 3], |_| unreachable!()));
    assert_eq!(
        message,
        "ringpool: the input has 4 elements, the output has 3"
    );
    assert_eq!(at, line);
}

#[test]
fn ranges_of_every_integer() {
    fn check<T>(pool: &Pool<16, Lab>, ranges: &[RangeInclusive<T>])
    where
        T: Copy + Default + PartialEq + std::fmt::Debug + Send,
        std::ops::Range<T>: ringpool::Input<Item = T> + Iterator<Item = T>,
        RangeInclusive<T>: ringpool::Input<Item = T> + Iterator<Item = T>,
    {
        for range in ranges {
            let expected: Vec<T> = range.clone().collect();
            let mut seen = vec![T::default(); expected.len()];
            pool.map(range.clone(), &mut seen[..], |k| k);
            assert_eq!(seen, expected);

            let range = *range.start()..*range.end();
            let expected: Vec<T> = range.clone().collect();
            let mut seen = vec![T::default(); expected.len()];
            pool.map(range, &mut seen[..], |k| k);
            assert_eq!(seen, expected);
        }
    }
    macro_rules! check {
        ($pool:ident: $($name:ident)*) => {$(
            let (min, max, ten) = ($name::MIN, $name::MAX, 10 as $name);
            check($pool, &[min..=min, min..=min + 9, max..=max, max - 9..=max, ten..=ten + 90]);
            #[allow(clippy::reversed_empty_ranges, reason = "the point of it")]
            check($pool, &[max..=min, ten..=ten - 1, ten..=ten - 9]);
            // From a negative number, or zero, to a positive one.
            check($pool, &[ten.wrapping_sub(20).min(0)..=ten]);
        )*};
    }
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        check!(pool: u8 u16 u32 u64 usize i8 i16 i32 i64 isize);
        // All there are.
        check(pool, &[u8::MIN..=u8::MAX]);
        check(pool, &[i8::MIN..=i8::MAX]);
    });
}

#[test]
fn a_range_that_is_used_up_is_empty() {
    let pool: Pool<2, Lab> = Pool::new(Lab::lazy());
    let mut range = 1..=3;
    assert_eq!(range.by_ref().last(), Some(3));
    pool.map(range, (), |_| unreachable!());
}

#[test]
fn a_literal_range_takes_its_type_from_its_use() {
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        let xs = [1.5, 2.5, 3.5];
        let mut ys = [0.0; 3];
        pool.map(0..3, &mut ys, |k| xs[k] + 1.0);
        assert_eq!(ys, [2.5, 3.5, 4.5]);
        let mut bytes = [0u8; 3];
        pool.map(1..=3, &mut bytes, |k| k);
        assert_eq!(bytes, [1, 2, 3]);
    });
}

#[test]
fn a_range_of_more_than_usize_counts_is_refused_at_its_caller() {
    let pool: Pool<2, Lab> = Pool::new(Lab::lazy());
    let expected = "ringpool: the range has more elements than a usize can count";
    let refused = |call: &dyn Fn()| assert_eq!(panics(call).0, expected);
    refused(&|| pool.map(0..=usize::MAX, (), |_| ()));
    refused(&|| pool.map(0..=u64::MAX, (), |_| ()));
    refused(&|| pool.map(isize::MIN..=isize::MAX, (), |_| ()));
    refused(&|| pool.map(i64::MIN..=i64::MAX, (), |_| ()));
    refused(&|| pool.map((0..3, 0..=u64::MAX), (), |_| ()));
    #[cfg(target_pointer_width = "32")]
    refused(&|| pool.map(0..1_u64 << 32, (), |_| ()));
}

#[test]
fn a_huge_range_ends_at_the_first_panic() {
    let _watchdog = watchdog();
    let pool: Pool<2, Lab> = Pool::new(Lab::without_clock());
    let calls = AtomicUsize::new(0);
    let message = panic_message(|| {
        pool.map(isize::MIN..isize::MAX, (), |k| {
            let call = calls.fetch_add(1, SeqCst);
            assert_eq!(k, isize::MIN + call as isize);
            assert!(call != 1000, "enough");
        });
    });
    assert_eq!(message, "enough");
}
