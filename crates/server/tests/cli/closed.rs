//! An application that takes no passwords, at the command line.

use testkit::on_both_engines;

use crate::desk::Desk;

on_both_engines! {
    async fn s107_no_command_makes_a_way_in_by_password_where_none_is_taken(engine: Engine) {
        let desk = Desk::at(engine).await;
        desk.ask(&["applications", "change", "back-office", "--password", "off"]).await;
        let (code, message) = desk.refused(&["setup-link"]).await;
        assert_eq!(code, "local_login_closed");
        assert!(message.contains("--password on"), "{message}");
        desk.ask(&["users", "add", "grace@shop.test"]).await;
        let set = ["users", "set-password", "grace@shop.test", "--password-file", "password"];
        let text = desk.read(&set).await;
        assert!(text.contains("No application takes it at the moment"), "{text}");
    }
}
