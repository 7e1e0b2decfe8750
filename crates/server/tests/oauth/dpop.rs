//! Tokens that are bound to a key, and the proofs that go with them (RFC 9449).

use std::time::Duration;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use identity::oauth::clients::{ClientKind, GrantType};
use identity::oauth::signing_keys::thumbprint;
use identity::secret::Digest;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};
use testkit::{House, on_both_engines};

use crate::shop::{Answer, EMAIL, REDIRECT_URI, Shop, VERIFIER, claims, machine, read};

/// A key of a client.
struct Key(EcdsaKeyPair);

impl Key {
    fn generate() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"))
    }

    fn jwk(&self) -> Value {
        let point = self.0.public_key().as_ref();
        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
        json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y })
    }

    fn jkt(&self) -> String {
        thumbprint(self.jwk().as_object().expect("an object")).expect("a thumbprint")
    }

    /// A proof for a POST of this path, with claims of its own.
    fn proof(&self, house: &House, path: &str, changed: Value) -> String {
        let mut said = json!({
            "htm": "POST",
            "htu": house.app.url(path),
            "iat": house.app.now().seconds(),
            "jti": identity::ids::hex(&identity::entropy::draw::<8>(house.app.entropy.as_ref())),
        });
        for (name, value) in changed.as_object().expect("an object") {
            said[name] = value.clone();
        }
        let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk() });
        let part = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let message = format!("{}.{}", part(&header), part(&said));
        let private = self.0.to_pkcs8v1().expect("PKCS #8");
        let key = EncodingKey::from_ec_der(private.as_ref());
        let signature = crypto::sign(message.as_bytes(), &key, Algorithm::ES256);
        format!("{message}.{}", signature.expect("a signature"))
    }

    fn token_proof(&self, house: &House) -> String {
        self.proof(house, "/oauth/token", json!({}))
    }
}

/// Client credentials with this proof.
async fn own_token(shop: &Shop<'_>, proof: &str) -> Answer {
    let form = [("grant_type", "client_credentials")];
    read(shop.asking("/oauth/token", &form).header("dpop", proof)).await
}

/// A code, redeemed with this proof or none.
async fn redeem(shop: &Shop<'_>, code: &str, proof: Option<&str>) -> Answer {
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ];
    let asked = shop.asking("/oauth/token", &form);
    read(proof.into_iter().fold(asked, |asked, proof| asked.header("dpop", proof))).await
}

/// A public client asks the token endpoint, with this proof or none.
async fn ask_as_app(house: &House, proof: Option<&str>, form: &[(&str, &str)]) -> Answer {
    let form = [form, &[("client_id", "app")]].concat();
    let asked = machine().post(house.app.url("/oauth/token")).form(&form);
    read(proof.into_iter().fold(asked, |asked, proof| asked.header("dpop", proof))).await
}

async fn ask_userinfo(house: &House, scheme: &str, token: &str, proof: Option<&str>) -> Answer {
    let asked = machine().get(house.app.url("/oauth/userinfo"));
    let asked = asked.header("authorization", format!("{scheme} {token}"));
    read(proof.into_iter().fold(asked, |asked, proof| asked.header("dpop", proof))).await
}

fn for_userinfo(token: &str) -> Value {
    json!({ "htm": "GET", "ath": Digest::of(token.as_bytes()).as_str() })
}

fn bad_proof() -> (u16, String) {
    (400, "invalid_dpop_proof".to_owned())
}

fn bad_grant() -> (u16, String) {
    (400, "invalid_grant".to_owned())
}

on_both_engines! {
    async fn s079_a_proof_counts_once_for_its_method_address_and_minute(engine: Engine) {
        let house = House::start(engine).await;
        let shop = Shop::register(&house, "shop", |_| {}).await;
        let key = Key::generate();
        let proof = key.token_proof(&house);
        let answer = own_token(&shop, &proof).await;
        assert_eq!((answer.status, &answer.body["token_type"]), (200, &json!("DPoP")));
        let access = answer.text("access_token");
        assert_eq!(claims(&access)["cnf"], json!({ "jkt": key.jkt() }));
        assert_eq!(own_token(&shop, &proof).await.error(), bad_proof(), "the same proof again");
        let now = house.app.now().seconds();
        for wrong in [
            json!({ "htm": "GET" }),
            json!({ "htu": house.app.url("/oauth/userinfo") }),
            json!({ "htu": "https://elsewhere.example/oauth/token" }),
            json!({ "iat": now - 60 }),
            json!({ "iat": now + 61 }),
            json!({ "jti": null }),
        ] {
            let proof = key.proof(&house, "/oauth/token", wrong.clone());
            assert_eq!(own_token(&shop, &proof).await.error(), bad_proof(), "{wrong}");
        }
        let late = key.token_proof(&house);
        house.clock.turn(Duration::from_secs(60));
        assert_eq!(own_token(&shop, &late).await.error(), bad_proof());
        let two = shop.asking("/oauth/token", &[("grant_type", "client_credentials")]);
        let two = two.header("dpop", key.token_proof(&house));
        let two = read(two.header("dpop", key.token_proof(&house))).await;
        assert_eq!(two.error(), bad_proof(), "two proofs");
    }

    async fn s079_a_bound_token_opens_userinfo_with_its_key_alone(engine: Engine) {
        let house = House::start(engine).await;
        let shop = Shop::open(&house).await;
        let key = Key::generate();
        let code = shop.code(&house.browser(), &[]).await;
        let tokens = redeem(&shop, &code, Some(&key.token_proof(&house))).await;
        assert_eq!(tokens.body["token_type"], "DPoP", "{tokens:?}");
        let token = tokens.text("access_token");
        let prove = |changed: Value| key.proof(&house, "/oauth/userinfo", changed);
        let proof = prove(for_userinfo(&token));
        let me = ask_userinfo(&house, "DPoP", &token, Some(&proof)).await;
        assert_eq!(me.status, 200, "{me:?}");
        let again = ask_userinfo(&house, "DPoP", &token, Some(&proof)).await;
        assert_eq!(again.error(), (401, "invalid_dpop_proof".to_owned()), "a replay");
        let bearer = shop.userinfo(&token).await;
        assert_eq!(bearer.error(), (401, "invalid_token".to_owned()));
        let said = bearer.headers["www-authenticate"].to_str().expect("text");
        assert!(said.starts_with("DPoP ") && said.contains("ES256"), "{said}");
        for bad in [
            prove(json!({ "htm": "GET" })),
            prove(for_userinfo("another token")),
            prove(json!({ "ath": Digest::of(token.as_bytes()).as_str() })),
            Key::generate().proof(&house, "/oauth/userinfo", for_userinfo(&token)),
            key.proof(&house, "/oauth/token", for_userinfo(&token)),
        ] {
            let said = ask_userinfo(&house, "DPoP", &token, Some(&bad)).await;
            assert_eq!(said.error(), (401, "invalid_dpop_proof".to_owned()));
        }
        let bare = ask_userinfo(&house, "DPoP", &token, None).await;
        assert_eq!(bare.error(), (401, "invalid_dpop_proof".to_owned()));
        let unbound = shop.tokens(&house.browser(), &[]).await.text("access_token");
        let proof = prove(for_userinfo(&unbound));
        let said = ask_userinfo(&house, "DPoP", &unbound, Some(&proof)).await;
        assert_eq!(said.error(), (401, "invalid_token".to_owned()), "bound to no key");
        let said = shop.introspect(&token).await;
        let expected = (&json!("DPoP"), &json!({ "jkt": key.jkt() }));
        assert_eq!((&said["token_type"], &said["cnf"]), expected);
    }

    async fn s079_a_public_client_refreshes_with_the_same_key_alone(engine: Engine) {
        let house = House::start(engine).await;
        Shop::open(&house).await;
        let app = Shop::register(&house, "app", |new| {
            new.kind = ClientKind::Public;
            new.grant_types = vec![GrantType::AuthorizationCode, GrantType::RefreshToken];
        })
        .await;
        let (key, other) = (Key::generate(), Key::generate());
        let code = app.code(&house.browser(), &[]).await;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", VERIFIER),
        ];
        let tokens = ask_as_app(&house, Some(&key.token_proof(&house)), &form).await;
        let refresh = tokens.text("refresh_token");
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
        let stolen = ask_as_app(&house, Some(&other.token_proof(&house)), &form).await;
        assert_eq!(stolen.error(), bad_grant());
        assert_eq!(ask_as_app(&house, None, &form).await.error(), bad_grant());
        let own = ask_as_app(&house, Some(&key.token_proof(&house)), &form).await;
        assert_eq!((own.status, &own.body["token_type"]), (200, &json!("DPoP")), "{own:?}");
        assert_eq!(claims(&own.text("access_token"))["cnf"], json!({ "jkt": key.jkt() }));
    }

    async fn s079_a_proof_is_remembered_only_beside_something_genuine(engine: Engine) {
        let house = House::start(engine).await;
        Shop::open(&house).await;
        let app = Shop::register(&house, "app", |new| {
            new.kind = ClientKind::Public;
            new.grant_types = vec![GrantType::AuthorizationCode, GrantType::RefreshToken];
        })
        .await;
        let key = Key::generate();
        let code = app.code(&house.browser(), &[]).await;
        let redeem = async |code: &str, proof: &str| {
            let form = [
                ("grant_type", "authorization_code"),
                ("code", code),
                ("redirect_uri", REDIRECT_URI),
                ("code_verifier", VERIFIER),
            ];
            ask_as_app(&house, Some(proof), &form).await
        };
        let refresh = async |token: &str, proof: &str| {
            let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
            ask_as_app(&house, Some(proof), &form).await
        };
        let proof = key.token_proof(&house);
        assert_eq!(redeem("no code", &proof).await.error(), bad_grant());
        assert_eq!(refresh("no token", &proof).await.error(), bad_grant());
        let tokens = redeem(&code, &proof).await;
        assert_eq!(tokens.status, 200, "nobody has remembered the proof: {tokens:?}");
        let token = tokens.text("refresh_token");
        assert_eq!(refresh(&token, &proof).await.error(), bad_proof(), "a replay");
        let next = refresh(&token, &key.token_proof(&house)).await;
        assert_eq!(next.status, 200, "what a replay brings is not used up: {next:?}");
        let by = store::By::operator();
        let user = house.find_staff(EMAIL).await.expect("whoever opened the shop").id;
        let ended = house.app.store.end_user_sessions(&user, None, &by, house.app.now()).await;
        assert_eq!(ended.expect("an answer"), 1);
        let proof = key.token_proof(&house);
        for _ in 0..2 {
            let over = refresh(&next.text("refresh_token"), &proof).await;
            assert_eq!(over.error(), bad_grant(), "a family that is over is nothing genuine");
        }
    }

    async fn s079_a_code_for_a_key_is_redeemed_with_that_key(engine: Engine) {
        let house = House::start(engine).await;
        let shop = Shop::open(&house).await;
        let (key, other) = (Key::generate(), Key::generate());
        let jkt = key.jkt();
        for (proof, status) in [
            (None, 400),
            (Some(other.token_proof(&house)), 400),
            (Some(key.token_proof(&house)), 200),
        ] {
            let code = shop.code(&house.browser(), &[("dpop_jkt", &jkt)]).await;
            let answer = redeem(&shop, &code, proof.as_deref()).await;
            assert_eq!(answer.status, status, "{answer:?}");
        }
        let browser = house.browser();
        let page = shop.send(&browser, &[("dpop_jkt", "no thumbprint")]).await;
        assert_eq!(crate::shop::brought(&page, "error").as_deref(), Some("invalid_request"));
    }

    async fn s079_a_pushed_request_binds_its_code_to_the_key_of_its_proof(engine: Engine) {
        let house = House::start(engine).await;
        let shop = Shop::open(&house).await;
        let (key, other) = (Key::generate(), Key::generate());
        let url = url::Url::parse(&shop.address(&[])).expect("an address");
        let pairs: Vec<_> = url.query_pairs().into_owned().collect();
        let form: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let push = async |form: &[(&str, &str)]| {
            let proof = key.proof(&house, "/oauth/par", json!({}));
            read(shop.asking("/oauth/par", form).header("dpop", proof)).await
        };
        let theirs = other.jkt();
        let mixed = [form.as_slice(), &[("dpop_jkt", theirs.as_str())]].concat();
        assert_eq!(push(&mixed).await.error(), bad_proof());
        for (proof, status) in [(&other, 400), (&key, 200)] {
            let name = push(&form).await.text("request_uri");
            let browser = house.browser();
            let page = shop.send(&browser, &[("request_uri", &name)]).await;
            let code = crate::shop::brought(&page, "code").expect("a code");
            let answer = redeem(&shop, &code, Some(&proof.token_proof(&house))).await;
            assert_eq!(answer.status, status, "{answer:?}");
        }
    }

    async fn s079_a_client_may_be_held_to_bound_tokens(engine: Engine) {
        let house = House::start(engine).await;
        let shop = Shop::register(&house, "shop", |new| new.require_dpop = true).await;
        let form = [("grant_type", "client_credentials")];
        let bare = shop.post("/oauth/token", &form).await;
        assert_eq!(bare.error(), (400, "invalid_request".to_owned()));
        let answer = own_token(&shop, &Key::generate().token_proof(&house)).await;
        assert_eq!(answer.status, 200);
        let about = machine().get(house.app.url("/.well-known/openid-configuration"));
        let said = read(about).await.body["dpop_signing_alg_values_supported"].clone();
        assert_eq!(said, json!(["RS256", "PS256", "ES256", "EdDSA"]));
    }
}
