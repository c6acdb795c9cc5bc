//! Part C: a file of lines, whole after a crash, and questions to it.

use metrics::file::whole_lines;
use metrics::line::Precision;
use metrics::percentile::nearest_rank;
use metrics::query::{Groups, Query, Sample, downsample, figures};
use metrics::reader::{Reading, read, read_from};
use metrics::{FileSink, Percentiles, Point, Sink, SinkError};
use simnet::rule::{expect, expect_ok, expect_that};
use std::fs;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

const BOUND: Duration = Duration::from_secs(20);

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder can be made")
}

fn point(number: u64) -> Point {
    Point::new("delivery")
        .tag("topic", "a b")
        .field("seq", number)
        .at(i64::try_from(number).unwrap_or(i64::MAX))
}

fn points_of(path: &Path) -> (Vec<Point>, Reading) {
    let mut points = Vec::new();
    let reading = read(path, Precision::Nanoseconds, |point| points.push(point));
    (points, expect_ok("a file can be read", "points", reading))
}

fn write(sink: &mut FileSink, numbers: std::ops::RangeInclusive<u64>) {
    let points: Vec<Point> = numbers.map(point).collect();
    let taken = expect_ok("a file takes points", "all are taken", sink.write(&points));
    expect("all are taken", points.len() as u64, taken.taken);
}

#[test]
fn part_c_what_is_written_is_read_back() {
    let folder = folder();
    let path = folder.path().join("run.lp");
    let mut sink = expect_ok("a file can be made", "a file", FileSink::create(&path));
    write(&mut sink, 1..=3);
    write(&mut sink, 4..=5);
    let (points, reading) = points_of(&path);
    expect("each batch is in the file at once", (1..=5).map(point).collect::<Vec<_>>(), points);
    expect("nothing else is", Reading { points: 5, ..Reading::default() }, reading);
    let text = fs::read_to_string(&path).unwrap_or_default();
    expect("a point is a line", Some(r"delivery,topic=a\ b seq=1u 1"), text.lines().next());
    let delivered = expect_ok("a file can be closed", "what is written", sink.close(BOUND));
    expect("all is written", (5, 0), (delivered.written, delivered.spooled));
}

#[test]
fn part_c_a_point_without_a_line_is_refused_and_the_others_are_written() {
    let folder = folder();
    let path = folder.path().join("run.lp");
    let mut sink = expect_ok("a file can be made", "a file", FileSink::create(&path));
    let points = [point(1), Point::new("m").field("f", f64::NAN), Point::new("m"), point(2)];
    let taken = expect_ok("a file takes points", "those with a line", sink.write(&points));
    expect("those without a line are counted", (2, 2), (taken.taken, taken.refused));
    expect("the others are written", vec![point(1), point(2)], points_of(&path).0);
}

#[test]
fn part_c_whole_lines_end_with_their_last_break() {
    let rule = "what stands after the last line break is no line yet";
    for (bytes, whole) in [
        ("", None),
        ("m f=1", None),
        ("m f=1\n", Some(6)),
        ("m f=1\nm f=12", Some(6)),
        ("\n", Some(1)),
        ("a\nb\nc", Some(4)),
    ] {
        expect(rule, whole, whole_lines(bytes.as_bytes()));
    }
}

#[test]
fn part_c_a_torn_line_is_named_and_no_point() {
    let folder = folder();
    let path = folder.path().join("run.lp");
    // It looks like a point of another time.
    fs::write(&path, "delivery seq=1u 1556813561098000000\ndelivery seq=2u 15568135610")
        .expect("a file can be written");
    let (points, reading) = points_of(&path);
    expect(
        "a line that does not end is no point",
        vec![Point::new("delivery").field("seq", 1_u64).at(1_556_813_561_098_000_000)],
        points,
    );
    let torn = reading.torn.map(|torn| (torn.line, torn.text));
    expect("it is named", Some((2, "delivery seq=2u 15568135610".to_string())), torn);
    expect("it is no bad line", (1, 0), (reading.points, reading.bad));
}

#[test]
fn part_c_a_file_goes_on_after_a_crash() {
    let folder = folder();
    for torn in ["", "delivery seq=9", &"x".repeat(200_000)] {
        let path = folder.path().join("run.lp");
        let mut sink = expect_ok("a file can be made", "a file", FileSink::create(&path));
        write(&mut sink, 1..=2);
        drop(sink);
        let whole = fs::read_to_string(&path).expect("it can be read");
        fs::write(&path, format!("{whole}{torn}")).expect("a file can be written");
        let mut sink = expect_ok("a file goes on", "a file", FileSink::append(&path));
        expect("what is torn is cut off, and counted", torn.len() as u64, sink.cut());
        write(&mut sink, 3..=3);
        let (points, reading) = points_of(&path);
        expect(
            "every line is whole",
            ((1..=3).map(point).collect::<Vec<_>>(), 0, None),
            (points, reading.bad, reading.torn),
        );
    }
}

#[test]
fn part_c_two_programs_do_not_write_into_each_others_lines() {
    let folder = folder();
    let path = folder.path().join("run.lp");
    let first = expect_ok("a file can be made", "a file", FileSink::create(&path));
    let second = FileSink::append(&path);
    let in_use = matches!(second, Err(SinkError::InUse(_)));
    expect("a file that is in use is refused", true, in_use);
    drop(first);
    expect_ok("a file that is free again can be had", "a file", FileSink::append(&path));
    let missing =
        FileSink::create(folder.path().join("no").join("run.lp")).err().map(|error| error.to_string());
    let says =
        missing.clone().is_some_and(|says| says.contains("run.lp") && says.contains("is the folder there"));
    expect_that("an error names the file, and what to do", "the file and the folder", says, missing);
}

#[test]
fn part_c_bad_lines_are_passed_over_counted_and_named() {
    let text = b"# a comment\n\nm f=1 1\nm f=x 2\nm f=\xff 3\r\nm f=2 4\r\nnonsense\n";
    let mut points = Vec::new();
    let reading = read_from(&text[..], Precision::Seconds, |point| points.push(point));
    let reading = expect_ok("a bad line is no error", "the others", reading);
    let times: Vec<_> = points.iter().map(|point| point.time_ns()).collect();
    expect(
        "the others are points, in the precision that was said",
        vec![Some(1_000_000_000), Some(4_000_000_000)],
        times,
    );
    let lines: Vec<u64> = reading.first_bad.iter().map(|bad| bad.line).collect();
    expect("bad lines are named", vec![4, 5, 7], lines);
    expect(
        "all are counted",
        (2, 2, 3, true),
        (reading.points, reading.comments, reading.bad, reading.torn.is_none()),
    );
    let many = "bad\n".repeat(1000);
    let reading = expect_ok(
        "a bad line is no error",
        "a count",
        read_from(many.as_bytes(), Precision::Seconds, |_| {}),
    );
    expect(
        "a thousand bad lines are counted, and a few are kept",
        (1000, true),
        (reading.bad, reading.first_bad.len() < 100),
    );
}

#[test]
fn part_c_a_line_without_end_does_not_fill_the_memory() {
    let long = "x".repeat(3 << 20);
    let text = format!("m f=1 1\n{long}\nm f=2 2\n{long}");
    let mut times = Vec::new();
    let reading = read_from(text.as_bytes(), Precision::Nanoseconds, |point| times.extend(point.time_ns()));
    let reading = expect_ok("a long line is no error", "the others", reading);
    expect("what stands around a long line is read", vec![1, 2], times);
    expect("long lines are counted", 2, reading.bad + u64::from(reading.torn.is_some()));
    let short = reading.first_bad.iter().all(|bad| bad.text.len() < 1000);
    expect("a long line is shown by its beginning", true, short);
}

/// By counting, as the definition has it: the least value that at least so many hundredths of a percent of all are no greater than.
fn by_definition(values: &[f64], hundredths: usize) -> f64 {
    let no_greater = |value: f64| values.iter().filter(|other| **other <= value).count();
    let enough =
        values.iter().copied().filter(|value| no_greater(*value) * 10_000 >= hundredths * values.len());
    enough.fold(f64::MAX, f64::min)
}

#[test]
fn part_c_percentiles_are_what_their_definition_says() {
    for count in [1, 2, 3, 4, 9, 10, 11, 99, 100, 101, 250] {
        let mut values: Vec<f64> =
            (0..count).map(|number| f64::from(number * number * 7919 % 1009 - 300)).collect();
        let wanted = [5000, 9000, 9500, 9900].map(|hundredths| by_definition(&values, hundredths));
        let of = Percentiles::of(&mut values).unwrap_or_default();
        expect(
            format!("p50, p90, p95 and p99 of {count} values are by nearest rank"),
            wanted,
            [of.p50, of.p90, of.p95, of.p99],
        );
        let (least, most) = (
            values.iter().copied().fold(f64::MAX, f64::min),
            values.iter().copied().fold(f64::MIN, f64::max),
        );
        expect(
            "least, greatest and count are theirs",
            (least, most, u64::try_from(count).unwrap_or(0)),
            (of.min, of.max, of.count),
        );
        expect("the mean is the sum over the count", values.iter().sum::<f64>() / f64::from(count), of.mean);
    }
    expect("of nothing there are none", None, Percentiles::of(&mut []));
}

#[test]
fn part_c_a_rank_is_exact_for_any_number_of_values() {
    let rule = "the rank is the least that is enough, by whole numbers";
    for (count, hundredths, rank) in [
        (0, 5000, None),
        (1, 0, Some(0)),
        (1, 10_000, Some(0)),
        (10, 0, Some(0)),
        (10, 1000, Some(0)),
        (10, 1001, Some(1)),
        (100, 9900, Some(98)),
        (1000, 9990, Some(998)),
        (1000, 9991, Some(999)),
        (10, 10_000, Some(9)),
        (10, u32::MAX, Some(9)),
        (usize::MAX, 5000, Some(usize::MAX / 2)),
    ] {
        expect(rule, rank, nearest_rank(count, hundredths));
    }
}

fn delivery(topic: &str, host: &str, time_ns: i64, latency: i64) -> Point {
    Point::new("delivery").tag("topic", topic).tag("host", host).field("latency_ns", latency).at(time_ns)
}

fn groups(query: &Query, points: &[Point]) -> Groups {
    let mut groups = Groups::default();
    points.iter().for_each(|point| query.add(point, &mut groups));
    groups
}

fn counts(query: &Query, points: &[Point]) -> Vec<(String, usize)> {
    groups(query, points).samples.iter().map(|(tags, samples)| (tags.join("/"), samples.len())).collect()
}

fn query() -> Query {
    Query { field: "latency_ns".into(), by: vec!["topic".into()], ..Query::default() }
}

#[test]
fn part_c_a_range_has_its_beginning_and_not_its_end() {
    let points: Vec<Point> = (0..10)
        .map(|time| delivery("a", "x", time, 1))
        .chain([Point::new("delivery").field("latency_ns", 1.0)])
        .collect();
    let within = |from_ns, until_ns| {
        counts(&Query { from_ns, until_ns, ..query() }, &points).iter().map(|(_, count)| count).sum::<usize>()
    };
    expect("from 3 until 7 are 3, 4, 5, 6", 4, within(Some(3), Some(7)));
    expect("without an end it goes to the last", 7, within(Some(3), None));
    expect("without a beginning it begins with the first", 7, within(None, Some(7)));
    expect("an empty range is empty", 0, within(Some(5), Some(5)));
}

#[test]
fn part_c_a_filter_takes_those_with_the_tag() {
    let points = [
        delivery("a", "x", 1, 1),
        delivery("a", "y", 2, 1),
        delivery("b", "x", 3, 1),
        Point::new("other").tag("topic", "a").field("latency_ns", 1.0).at(4),
    ];
    let with = |filter: &[(&str, &str)]| {
        let filter = filter.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
        counts(&Query { filter, measurement: Some("delivery".into()), ..query() }, &points)
    };
    let count = |topic: &str, count| (topic.to_string(), count);
    expect("all of the measurement, by topic", vec![count("a", 2), count("b", 1)], with(&[]));
    expect("one tag", vec![count("a", 1), count("b", 1)], with(&[("host", "x")]));
    expect("two tags, both", vec![count("a", 1)], with(&[("host", "y"), ("topic", "a")]));
    expect("nobody has this one", Vec::<(String, usize)>::new(), with(&[("host", "z")]));
    let any = counts(&query(), &points);
    expect("without a measurement all are taken", vec![count("a", 3), count("b", 1)], any);
}

#[test]
fn part_c_points_are_put_into_groups_by_their_tags() {
    let no_tag = Point::new("delivery").field("latency_ns", 5_u64).at(9);
    let points = [delivery("b", "x", 1, 1), delivery("a", "x", 2, 2), delivery("a", "y", 3, 3), no_tag];
    let by = |tags: &[&str]| {
        counts(&Query { by: tags.iter().map(ToString::to_string).collect(), ..query() }, &points)
    };
    let count = |group: &str, count| (group.to_string(), count);
    expect(
        "by one tag; who has none has the empty value",
        vec![count("", 1), count("a", 2), count("b", 1)],
        by(&["topic"]),
    );
    expect(
        "by two, in the order asked for",
        vec![count("/", 1), count("x/a", 1), count("x/b", 1), count("y/a", 1)],
        by(&["host", "topic"]),
    );
    expect("by none: one group", vec![count("", 4)], by(&[]));
}

#[test]
fn part_c_what_has_no_number_is_counted_and_left_out() {
    let text = Point::new("delivery").field("latency_ns", "fast").at(1);
    let points = [
        delivery("a", "x", 1, 7),
        text,
        Point::new("delivery").field("other", 1.0).at(1),
        Point::new("delivery").field("latency_ns", 1.0),
    ];
    let groups = groups(&Query { by: vec![], ..query() }, &points);
    let samples: Vec<Sample> = groups.samples.into_values().flatten().collect();
    expect(
        "a text, another field and a point without a time are no samples",
        vec![Sample { time_ns: 1, value: 7.0 }],
        samples,
    );
    expect("they are counted", 3, groups.without);
}

fn samples(times: &[i64]) -> Vec<Sample> {
    times
        .iter()
        .zip(1..)
        .map(|(time_ns, value)| Sample { time_ns: *time_ns, value: f64::from(value) })
        .collect()
}

#[test]
fn part_c_a_rate_is_of_the_pauses_between() {
    let second = 1_000_000_000;
    let rate = |times: &[i64]| figures(&samples(times)).and_then(|figures| figures.rate);
    expect(
        "five in two seconds have four pauses: 2 a second",
        Some(2.0),
        rate(&[0, 2 * second, second, second / 2, second * 3 / 2]),
    );
    expect("before 1970 it is the same", Some(1.0), rate(&[-second, 0, second]));
    expect("one alone has no rate", None, rate(&[second]));
    expect("those of one moment have none", None, rate(&[second, second]));
    let ends = figures(&samples(&[30, 10, 20]))
        .map(|figures| (figures.first_ns, figures.last_ns, figures.values.count));
    expect("first and last are by time", Some((10, 30, 3)), ends);
    expect("of nothing there are no figures", None, figures(&[]));
    let far = rate(&[i64::MIN, i64::MAX]).is_some_and(|rate| rate > 0.0);
    expect("the longest time there is does not overflow", true, far);
}

#[test]
fn part_c_windows_begin_at_multiples_of_their_length() {
    let windows = |times: &[i64], every| -> Vec<(i64, u64, f64)> {
        downsample(&samples(times), every)
            .into_iter()
            .map(|(begin, of)| (begin, of.values.count, of.values.max))
            .collect()
    };
    expect(
        "each sample is in the window that it falls into",
        vec![(0, 2, 2.0), (10, 1, 3.0), (30, 2, 5.0)],
        windows(&[0, 9, 10, 39, 30], 10),
    );
    expect("before 1970 too", vec![(-10, 2, 2.0), (0, 1, 3.0)], windows(&[-1, -10, 0], 10));
    expect("of nothing there are no windows", Vec::<(i64, u64, f64)>::new(), windows(&[], 10));
    let all: u64 = windows(&[3, 1, 4, 1, 5, 9, 2, 6], 3).iter().map(|(_, count, _)| count).sum();
    expect("no sample is lost, and none is counted twice", 8, all);
}
