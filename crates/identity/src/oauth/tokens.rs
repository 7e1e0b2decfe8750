//! What our tokens say: ID tokens (OpenID Connect Core 2), access tokens (RFC 9068), userinfo.

use std::time::Duration;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use crate::ids::{ClientId, GrantId, OrganisationId, PublicId};
use crate::oauth::clients::SigningAlgorithm;
use crate::oauth::grants::Grant;
use crate::oauth::scopes::{OPENID, Scopes};
use crate::sessions::Method;
use crate::time::Moment;
use crate::users::{EmailStanding, User};

/// Life of access and ID tokens. Short, because a signature cannot be taken back (checklist 75).
pub const TOKEN_LIFE: Duration = Duration::from_secs(600);

/// `typ` of an access token (RFC 9068 section 2.1): it can be taken for nothing else.
pub const ACCESS_TYP: &str = "at+jwt";

/// `typ` of an ID token.
pub const ID_TYP: &str = "JWT";

/// Signed in with one proof.
pub const ACR_ONE_FACTOR: &str = "urn:vestibule:acr:one-factor";

/// Signed in with two proofs of different kinds.
pub const ACR_TWO_FACTORS: &str = "urn:vestibule:acr:two-factors";

/// Both classes, for metadata.
pub const ACR_VALUES: [&str; 2] = [ACR_ONE_FACTOR, ACR_TWO_FACTORS];

/// A person, as applications may see them.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Who.
    pub user: &'a User,
    /// Names of their groups.
    pub groups: &'a [String],
    /// The organisation that they act for.
    pub organisation: Option<&'a OrganisationId>,
}

/// What every token of one answer has in common.
#[derive(Clone, Copy, Debug)]
pub struct Issue<'a> {
    /// We: the public URL.
    pub issuer: &'a str,
    /// The grant behind it.
    pub grant: &'a Grant,
    /// What it may do; for a refresh perhaps less than the grant.
    pub scopes: &'a Scopes,
    /// What the access token is for; perhaps less than the grant too.
    pub resources: &'a [String],
    /// Thumbprint of the DPoP key that the access token is bound to (RFC 9449 section 6.1).
    pub dpop_jkt: Option<&'a str>,
    /// Now.
    pub now: Moment,
}

/// The class of a sign-in.
pub fn acr(methods: &[Method]) -> &'static str {
    // One proof each: a provider's word counts as one, whatever it asked for itself.
    if methods.len() > 1 { ACR_TWO_FACTORS } else { ACR_ONE_FACTOR }
}

/// Claims of an ID token that is going to be signed with `algorithm`. `access_token`: the one that
/// comes beside it.
pub fn id_token(
    issue: Issue<'_>,
    subject: Subject<'_>,
    nonce: Option<&str>,
    access_token: &str,
    algorithm: SigningAlgorithm,
) -> Map<String, Value> {
    let Issue { issuer, grant, now, .. } = issue;
    let mut claims = about(subject, issue.scopes);
    claims.extend(object(json!({
        "iss": issuer,
        "sub": subject.user.public_id.as_str(),
        "aud": grant.client.as_str(),
        "iat": now.seconds(),
        "exp": now.plus(TOKEN_LIFE).seconds(),
        "amr": grant.methods,
        "acr": acr(&grant.methods),
        "sid": grant.session.as_str(),
        "at_hash": at_hash(access_token, algorithm),
    })));
    claims.extend(auth_time(grant));
    if let Some(nonce) = nonce {
        claims.insert("nonce".to_owned(), nonce.into());
    }
    claims
}

/// Left half of the hash of an access token (OpenID Connect Core 3.1.3.6): SHA-256 by the number
/// in the algorithm's name, and SHA-512 for Ed25519, which hashes with it inside (RFC 8032 section
/// 5.1), as clients expect.
fn at_hash(access_token: &str, algorithm: SigningAlgorithm) -> String {
    let hash = match algorithm {
        SigningAlgorithm::Rs256 | SigningAlgorithm::Es256 => &digest::SHA256,
        SigningAlgorithm::EdDsa => &digest::SHA512,
    };
    let hash = digest::digest(hash, access_token.as_bytes());
    let (left, _) = hash.as_ref().split_at(hash.as_ref().len() / 2);
    URL_SAFE_NO_PAD.encode(left)
}

/// Claims of a person's access token. Its audience is what it was asked for, and we ourselves
/// where userinfo may be asked.
pub fn access_token(issue: Issue<'_>, subject: &PublicId, jti: &str) -> Map<String, Value> {
    let Issue { issuer, grant, scopes, resources, dpop_jkt, now } = issue;
    let mut audience = resources.to_vec();
    if audience.is_empty() || scopes.contains(OPENID) {
        audience.push(issuer.to_owned());
    }
    let mut claims = object(json!({
        "iss": issuer,
        "sub": subject.as_str(),
        "aud": audience,
        "client_id": grant.client.as_str(),
        "scope": scopes.to_string(),
        "iat": now.seconds(),
        "exp": now.plus(TOKEN_LIFE).seconds(),
        "jti": jti,
        "amr": grant.methods,
        "acr": acr(&grant.methods),
        "sid": grant.session.as_str(),
        "grant": grant.id.as_str(),
    }));
    claims.extend(auth_time(grant));
    bind(&mut claims, dpop_jkt);
    claims
}

/// When the person signed in, where that is known: a time that nobody vouches for would pass for
/// a fresh sign-in at whoever reads it (OpenID Connect Core 2).
fn auth_time(grant: &Grant) -> Option<(String, Value)> {
    grant.auth_time.map(|at| ("auth_time".to_owned(), at.seconds().into()))
}

/// Ties an access token to a key (RFC 7800 section 3.1, RFC 9449 section 6.1).
fn bind(claims: &mut Map<String, Value>, dpop_jkt: Option<&str>) {
    if let Some(thumbprint) = dpop_jkt {
        claims.insert("cnf".to_owned(), json!({ "jkt": thumbprint }));
    }
}

/// What a client's own access token is about.
#[derive(Clone, Copy, Debug)]
pub struct OwnIssue<'a> {
    /// We: the public URL.
    pub issuer: &'a str,
    /// Who gets it, for itself.
    pub client: &'a ClientId,
    /// What it may do.
    pub scopes: &'a Scopes,
    /// What it is for; empty: for us.
    pub resources: &'a [String],
    /// Thumbprint of the DPoP key that it is bound to.
    pub dpop_jkt: Option<&'a str>,
    /// Now.
    pub now: Moment,
}

/// Claims of a client's own access token. Its `sub` is the client id, which no user's `sub` can
/// equal (RFC 9700 section 4.15).
pub fn client_token(issue: OwnIssue<'_>, jti: &str) -> Map<String, Value> {
    let OwnIssue { issuer, client, scopes, resources, dpop_jkt, now } = issue;
    let issuers_own = [issuer.to_owned()];
    let audience = if resources.is_empty() { &issuers_own[..] } else { resources };
    let mut claims = object(json!({
        "iss": issuer,
        "sub": client.as_str(),
        "aud": audience,
        "client_id": client.as_str(),
        "scope": scopes.to_string(),
        "iat": now.seconds(),
        "exp": now.plus(TOKEN_LIFE).seconds(),
        "jti": jti,
    }));
    bind(&mut claims, dpop_jkt);
    claims
}

/// What an access token of ours says, once its signature, `iss`, `typ` and times are checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken {
    /// The grant behind it; none for a client's own token.
    pub grant: Option<GrantId>,
    /// Who got it.
    pub client: ClientId,
    /// A user's or the client's.
    pub subject: String,
    /// What it is for.
    pub audience: Vec<String>,
    /// What it may do.
    pub scopes: Scopes,
    /// Thumbprint of the DPoP key that it is bound to.
    pub dpop_jkt: Option<String>,
    /// When it ends.
    pub expires_at: Moment,
    /// All of it.
    pub claims: Map<String, Value>,
}

impl AccessToken {
    /// Reads checked claims; none when something that every access token of ours has is missing.
    pub fn read(claims: Map<String, Value>) -> Option<Self> {
        let text = |name: &str| claims.get(name)?.as_str().map(str::to_owned);
        let audience = match claims.get("aud")? {
            Value::String(one) => vec![one.clone()],
            Value::Array(several) => {
                several.iter().map(|one| one.as_str().map(str::to_owned)).collect::<Option<_>>()?
            }
            _ => return None,
        };
        Some(Self {
            grant: text("grant").map(GrantId::from_stored),
            client: ClientId::from_stored(text("client_id")?),
            subject: text("sub")?,
            audience,
            scopes: Scopes::parse(&text("scope")?).ok()?,
            dpop_jkt: claims.get("cnf").and_then(|cnf| cnf.get("jkt")?.as_str().map(str::to_owned)),
            expires_at: Moment::from_seconds(claims.get("exp")?.as_i64()?),
            claims,
        })
    }
}

/// What userinfo answers (OpenID Connect Core 5.3).
pub fn userinfo(subject: Subject<'_>, scopes: &Scopes) -> Map<String, Value> {
    let mut claims = about(subject, scopes);
    claims.insert("sub".to_owned(), subject.user.public_id.as_str().into());
    claims
}

/// The claims that the scopes open (OpenID Connect Core 5.4). What is not known is left out.
fn about(subject: Subject<'_>, scopes: &Scopes) -> Map<String, Value> {
    let user = subject.user;
    let mut claims = Map::new();
    let mut say = |name: &str, value: &str| {
        if !value.is_empty() {
            claims.insert(name.to_owned(), value.into());
        }
    };
    if scopes.contains("profile") {
        say("name", &user.name.full());
        say("given_name", user.name.given.trim());
        say("family_name", user.name.family.trim());
        say("locale", user.locale.as_deref().unwrap_or(""));
        say("user_type", user.user_type.as_str());
    }
    if scopes.contains("email") {
        say("email", user.email.as_typed());
        // Vouched for is somebody else's word; only mail that arrived makes it true.
        let verified = user.email_standing == EmailStanding::Verified;
        claims.insert("email_verified".to_owned(), verified.into());
    }
    if scopes.contains("groups") {
        claims.insert("groups".to_owned(), json!(subject.groups));
    }
    if let Some(organisation) = subject.organisation.filter(|_| scopes.contains("organisation")) {
        claims.insert("organisation".to_owned(), organisation.as_str().into());
    }
    claims
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests;
