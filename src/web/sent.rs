//! What a form sent: its fields, and the files that came with it.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest as _, Multipart, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::notices::Notice;
use super::typed::Typed;

/// Read the body of a form. A file is taken into its field as base64, so that nothing has read its bytes before the API
/// does; where none was chosen the field is blank.
///
/// # Errors
/// What to answer when it cannot be read.
pub(super) async fn read(headers: &HeaderMap, body: Bytes) -> Result<Typed, Notice> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.to_ascii_lowercase().starts_with("multipart/form-data") {
        return Ok(Typed::read(&body));
    }
    let request = Request::builder().header(header::CONTENT_TYPE, kind).body(Body::from(body));
    let request = request.map_err(|_| unreadable())?;
    let mut parts = Multipart::from_request(request, &()).await.map_err(|_| unreadable())?;
    let mut typed = Typed::default();
    while let Some(part) = parts.next_field().await.map_err(|_| unreadable())? {
        let name = part.name().unwrap_or_default().to_owned();
        let is_file = part.file_name().is_some();
        let bytes = part.bytes().await.map_err(|_| unreadable())?;
        let text =
            if is_file { STANDARD.encode(&bytes) } else { String::from_utf8_lossy(&bytes).into_owned() };
        typed.0.push((name, text));
    }
    Ok(typed)
}

fn unreadable() -> Notice {
    Notice::says(
        StatusCode::BAD_REQUEST,
        "The form could not be read",
        "It did not arrive whole, and nothing was changed. Go back and send it again.",
    )
}

/// What to answer when a body is larger than a request may be, or broke off.
pub(super) fn not_taken(status: StatusCode, most: usize) -> Response {
    use axum::response::IntoResponse as _;
    if status != StatusCode::PAYLOAD_TOO_LARGE {
        return unreadable().into_response();
    }
    let sentence = format!(
        "At most {} KB can be sent at once, with what is in files. Nothing was changed. Go back and send less, or a \
         smaller file.",
        most / 1024
    );
    Notice::says(status, "This is too large to send", sentence).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read_as(kind: &str, body: &str) -> Result<Typed, Notice> {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, kind.parse().unwrap())]);
        read(&headers, Bytes::from(body.to_owned())).await
    }

    #[tokio::test]
    async fn files_come_as_base64_beside_what_was_typed() {
        let body = "--x\r\nContent-Disposition: form-data; name=\"input.reason\"\r\n\r\nAll right\r\n--x\r\n\
            Content-Disposition: form-data; name=\"input.contentBase64\"; filename=\"a.csv\"\r\n\
            Content-Type: text/csv\r\n\r\nrun,line\r\n--x--\r\n";
        let typed = read_as("multipart/form-data; boundary=x", body).await.unwrap();
        assert_eq!(typed.last("input.reason"), Some("All right"));
        assert_eq!(typed.last("input.contentBase64"), Some("cnVuLGxpbmU="));
        let none = body.replace("filename=\"a.csv\"", "filename=\"\"").replace("run,line", "");
        let typed = read_as("multipart/form-data; boundary=x", &none).await.unwrap();
        assert_eq!(typed.last("input.contentBase64"), Some(""), "no file was chosen");
        let typed = read_as("application/x-www-form-urlencoded", "a=b+c").await.unwrap();
        assert_eq!(typed.last("a"), Some("b c"));
    }

    #[tokio::test]
    async fn what_broke_off_is_told_so() {
        for (kind, body) in [
            ("multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb"),
            ("multipart/form-data", "--x--"),
        ] {
            assert!(read_as(kind, body).await.is_err(), "{kind} {body}");
        }
    }
}
