//! What the server is measured against: a handler that only reads the body,
//! and one that only waits.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpResponse, HttpServer};
use tokio::sync::Notify;

/// Serves until killed. Says where once it listens, as the server does.
pub fn serve(address: SocketAddr) -> std::io::Result<()> {
    actix_web::rt::System::new().block_on(async {
        let waiting = Data::from(Arc::new(Notify::new()));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(waiting.clone())
                .route("/hooks/zadarma/{token}", web::post().to(read))
                .route("/v1/verifications", web::post().to(read))
                .route("/v1/verifications/{id}/check", web::post().to(read))
                .route("/v1/verifications/{id}", web::get().to(shown))
                .route("/wait", web::get().to(wait))
        })
        .workers(2)
        .keep_alive(Duration::from_secs(75))
        .bind(address)?;
        for address in server.addrs() {
            println!("bare listens on {address}");
        }
        server.run().await
    })
}

async fn read(body: Bytes) -> HttpResponse {
    std::hint::black_box(&body);
    HttpResponse::Ok().finish()
}

async fn shown() -> HttpResponse {
    HttpResponse::Ok().finish()
}

async fn wait(waiting: Data<Notify>) -> HttpResponse {
    waiting.notified().await;
    HttpResponse::Ok().finish()
}
