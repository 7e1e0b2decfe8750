//! What a program reads when a client is refused.

use super::*;

#[test]
fn every_fault_has_its_word() {
    use RegistrationFault as Fault;
    let text = String::new;
    let uri = || UriFault::TooLong;
    for (fault, word) in [
        (Fault::Name, "name"),
        (Fault::Id(text()), "client_id"),
        (Fault::IdLikeSubject(text()), "client_id_like_subject"),
        (Fault::TooMany, "too_many"),
        (Fault::PublicWithProof, "public_with_proof"),
        (Fault::ConfidentialWithoutProof, "confidential_without_proof"),
        (Fault::PublicWithoutPkce, "public_without_pkce"),
        (Fault::PublicWithoutNonce, "public_without_nonce"),
        (Fault::KeysMissing, "keys_missing"),
        (Fault::KeysShape, "keys_shape"),
        (Fault::KeysTooLong, "keys_too_long"),
        (Fault::PrivateKey("d"), "private_key"),
        (Fault::KeysUseless, "keys_useless"),
        (Fault::NoGrant, "no_grant"),
        (Fault::RefreshWithoutCode, "refresh_without_code"),
        (Fault::NoRedirectUri, "no_redirect_uri"),
        (Fault::PublicGrant(GrantType::ClientCredentials), "public_grant"),
        (Fault::RedirectUri(uri()), "redirect_uri"),
        (Fault::PostLogoutUri(uri()), "post_logout_uri"),
        (Fault::BackchannelLogoutUri(uri()), "backchannel_logout_uri"),
        (Fault::BackchannelLogoutPrivate(text()), "backchannel_logout_private"),
        (Fault::BackchannelLogoutNowhere(text()), "backchannel_logout_nowhere"),
        (Fault::Scope(text()), "scope"),
        (Fault::Resource(text()), "resource"),
        (Fault::OwnResource, "own_resource"),
    ] {
        assert_eq!(fault.code(), word);
    }
}
