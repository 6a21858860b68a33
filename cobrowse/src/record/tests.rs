use super::*;

fn body_of(json: &str) -> Result<String, Desync> {
    let events = parse(json.as_bytes())?;
    Ok(events.iter().map(|event| name(&event.body)).collect::<Vec<_>>().join(" "))
}

fn name(body: &Body<'_>) -> String {
    match body {
        Body::Loaded { .. } => "loaded".into(),
        Body::Snapshot { .. } => "snapshot".into(),
        Body::Meta { .. } => "meta".into(),
        Body::Mutation(mutation) => format!(
            "mutation({},{},{},{})",
            mutation.removes.len(),
            mutation.adds.len(),
            mutation.texts.len(),
            mutation.attributes.len()
        ),
        Body::Pointer { positions, .. } => format!("pointer({})", positions.len()),
        Body::Interaction { kind, .. } => format!("interaction({kind})"),
        Body::Scroll { .. } => "scroll".into(),
        Body::Resize { .. } => "resize".into(),
        Body::Input { .. } => "input".into(),
        Body::Media { .. } => "media".into(),
        Body::StyleRules(rules) => format!("rules({},{})", rules.adds.len(), rules.removes.len()),
        Body::StyleDeclaration(_) => "declaration".into(),
        Body::AdoptedSheets { sheets, .. } => format!("adopted({})", sheets.len()),
        Body::Selection(ranges) => format!("selection({})", ranges.len()),
        Body::Refused(why) => format!("{why:?}"),
    }
}

fn check(json: &str, expected: &str) {
    assert_eq!(body_of(json).as_deref(), Ok(expected), "{json}");
}

fn check_desync(json: &str, expected: Desync) {
    assert_eq!(body_of(json), Err(expected), "{json}");
}

#[test]
fn every_known_event_is_read() {
    check(r#"{"type":0,"data":{},"timestamp":1}"#, "loaded");
    check(r#"{"type":4,"data":{"href":"https://a.example/","width":10,"height":5.5},"timestamp":1}"#, "meta");
    check(
        r#"{"type":2,"data":{"node":{"type":0,"id":1,"childNodes":[]},"initialOffset":{"left":0,"top":2}},"timestamp":1}"#,
        "snapshot",
    );
    check(
        r#"{"type":3,"data":{"source":0,"texts":[],"attributes":[{"id":3,"attributes":{"class":"a"}}],"removes":[{"parentId":1,"id":2}],"adds":[{"parentId":1,"nextId":null,"node":{"type":3,"textContent":"x","id":9}}]},"timestamp":1}"#,
        "mutation(1,1,0,1)",
    );
    check(
        r#"{"type":3,"data":{"source":1,"positions":[{"x":1,"y":2,"id":3,"timeOffset":-20}]},"timestamp":1}"#,
        "pointer(1)",
    );
    check(r#"{"type":3,"data":{"source":2,"type":2,"id":3,"x":1,"y":2},"timestamp":1}"#, "interaction(2)");
    check(r#"{"type":3,"data":{"source":3,"id":1,"x":0,"y":90},"timestamp":1}"#, "scroll");
    check(r#"{"type":3,"data":{"source":4,"width":1,"height":2},"timestamp":1}"#, "resize");
    check(r#"{"type":3,"data":{"source":5,"id":1,"text":"a","isChecked":false},"timestamp":1}"#, "input");
    check(r#"{"type":3,"data":{"source":7,"id":1,"type":0,"currentTime":2.5},"timestamp":1}"#, "media");
    check(
        r#"{"type":3,"data":{"source":8,"id":1,"adds":[{"rule":"a{}","index":[1,0]}],"removes":[{"index":2}]},"timestamp":1}"#,
        "rules(1,1)",
    );
    check(
        r#"{"type":3,"data":{"source":13,"styleId":1,"index":[0],"set":{"property":"color","value":"red","priority":""}},"timestamp":1}"#,
        "declaration",
    );
    check(
        r#"{"type":3,"data":{"source":14,"ranges":[{"start":1,"startOffset":0,"end":1,"endOffset":3}]},"timestamp":1}"#,
        "selection(1)",
    );
    check(
        r#"{"type":3,"data":{"source":15,"id":1,"styleIds":[1,2],"styles":[{"styleId":1,"rules":[{"rule":"a{}","index":0}]}]},"timestamp":1}"#,
        "adopted(2)",
    );
}

#[test]
fn member_order_and_batches_do_not_matter() {
    check(r#"{"timestamp":1,"data":{"y":9,"x":0,"id":1,"source":3},"type":3}"#, "scroll");
    check(r#"[{"type":0,"data":{},"timestamp":1},{"type":1,"data":{},"timestamp":2}]"#, "loaded loaded");
    check("[]", "");
}

#[test]
fn unknown_and_extension_events_are_refused_without_harm() {
    check(r#"{"type":5,"data":{"tag":"t","payload":{"type":"x","id":"y"}},"timestamp":1}"#, "Extension");
    check(r#"{"type":6,"data":{"plugin":"rrweb/console@1","payload":["4111"]},"timestamp":1}"#, "Extension");
    check(
        r#"{"type":3,"data":{"source":9,"id":1,"type":0,"commands":[{"property":"fillText","args":["4"]}]},"timestamp":1}"#,
        "Content",
    );
    check(r#"{"type":3,"data":{"source":99},"timestamp":1}"#, "Unknown");
    check(r#"{"type":42,"data":{},"timestamp":1}"#, "Unknown");
    check(r#"{"type":3,"data":{"source":3,"id":-2,"x":1,"y":1},"timestamp":1}"#, "Incomplete");
}

#[test]
fn sec_31_what_breaks_the_tree_desyncs() {
    check_desync("", Desync::Malformed);
    check_desync("nonsense", Desync::Malformed);
    check_desync(r#"{"type":3}{"type":3}"#, Desync::Malformed);
    check_desync(r#""eJyLjgUAARUAuQ==""#, Desync::Packed);
    check_desync(r#"["eJyLjgUAARUAuQ=="]"#, Desync::Packed);
    check_desync(r#"{"type":2,"type":3,"data":{},"timestamp":1}"#, Desync::Malformed);
    check_desync(r#"{"type":2,"data":{"node":7},"timestamp":1}"#, Desync::Malformed);
    check_desync(r#"{"type":2,"data":{},"timestamp":1}"#, Desync::Malformed);
    check_desync(
        r#"{"type":3,"data":{"source":0,"adds":[{"parentId":1,"nextId":null}]},"timestamp":1}"#,
        Desync::Malformed,
    );
    check_desync(r#"{"type":3,"data":{"source":0,"removes":[{"parentId":1}]},"timestamp":1}"#, Desync::Malformed);
}

fn nested(depth: usize) -> String {
    let open: String = (0..depth)
        .map(|id| format!(r#"{{"type":2,"tagName":"p","attributes":{{}},"id":{},"childNodes":["#, id + 2))
        .collect();
    format!(
        r#"{{"type":2,"data":{{"node":{{"type":0,"id":1,"childNodes":[{open}{}]}},"initialOffset":{{"left":0,"top":0}}}},"timestamp":1}}"#,
        "]}".repeat(depth)
    )
}

fn tree_fault(json: &str) -> Option<Desync> {
    match parse(json.as_bytes()).unwrap().pop().unwrap().body {
        Body::Snapshot { tree, .. } => tree.nodes().err(),
        _ => panic!("a snapshot was expected"),
    }
}

#[test]
fn sec_31_depth_is_bounded_and_deep_pages_fit_the_stack() {
    assert_eq!(tree_fault(&nested(crate::limits::DEPTH_MAX)), None);
    assert_eq!(tree_fault(&nested(crate::limits::DEPTH_MAX + 1)), Some(Desync::TooDeep));
    assert_eq!(tree_fault(&nested(50_000)), Some(Desync::TooDeep));
}

#[test]
fn debug_output_shows_no_content() {
    let json = r#"{"type":3,"data":{"source":5,"id":1,"text":"4242","isChecked":false},"timestamp":1}"#;
    let events = parse(json.as_bytes()).unwrap();
    let Body::Input { text, .. } = &events[0].body else { panic!("an input was expected") };
    assert_eq!(format!("{text:?}"), "Text(4 bytes)");
}
