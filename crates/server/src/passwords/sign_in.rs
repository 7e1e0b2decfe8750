//! Signing in with a password: counted first, verified second, and looked at again before a
//! session begins.

use identity::applications::Application;
use identity::email::Email;
use identity::ids::UserId;
use identity::passwords::received;
use identity::secret::Secret;
use identity::sessions::Method;
use identity::text;
use identity::throttle::{
    Bucket, Reservation, Throttles, buckets_for_sign_in, give_back, reserve, settled_ok,
};
use identity::users::{Status, User};
use store::{
    By, Happened, HeldProof, NewSession, PasswordLogin, PasswordOutcome, PasswordProof,
    PasswordSignIn, VerifiedPassword,
};

use super::hasher::{HashError, Verified};
use super::phc::Phc;
use super::throttles;
use crate::app::App;
use crate::error::PageError;
use crate::flood::Noted;
use crate::metrics::SIGNED_IN;
use crate::sessions::replace::end_previous;
use crate::visit::Visit;

/// Longest part of something that is no address that tells one counter from another.
const ODD_ADDRESS: usize = 254;

/// What came of a sign-in with a password.
#[derive(Clone, Debug)]
pub enum SignInOutcome {
    /// They are in.
    SignedIn {
        /// The new session's cookie.
        token: Secret,
        /// Who it is.
        user: Box<User>,
    },
    /// They have shown the account of a proof, and nobody is signed in by it.
    Shown,
    /// They are not. One text for all the reasons: unknown, wrong, without a password, not active.
    Refused,
    /// Not tried: too many failures before.
    Wait {
        /// Whole minutes until it may be tried again; at least 1.
        minutes: u64,
    },
    /// Not tried: so many failures in a row that the password has to be reset first.
    Barrier,
    /// Not tried: this door takes no passwords.
    LocalLoginClosed,
}

impl SignInOutcome {
    /// Stable name for metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::SignedIn { .. } => SIGNED_IN,
            Self::Shown => "shown",
            Self::Refused => "not_accepted",
            Self::Wait { .. } => "throttled",
            Self::Barrier => "needs_reset",
            Self::LocalLoginClosed => "local_login_closed",
        }
    }
}

/// Signs in at a door.
///
/// The attempt is counted before the password is hashed, so that guesses sent at once cannot all
/// pass before the first is counted, and what an unknown address costs is what a known one does.
/// Every sign-in begins a new session; the one that this browser had at the door's user type ends.
pub async fn sign_in(
    app: &App,
    door: &Application,
    visit: &Visit,
    email: &str,
    password: Secret,
) -> Result<SignInOutcome, PageError> {
    enter(app, door, visit, (email, password), None).await
}

/// Shows, for a proof, the password of the account that has an address: tried, counted and looked
/// at again as at a sign-in, so that a proof is no other way to guess. Nobody is signed in by it.
pub async fn prove(
    app: &App,
    door: &Application,
    visit: &Visit,
    (email, password): (&str, Secret),
    proof: HeldProof<'_>,
) -> Result<SignInOutcome, PageError> {
    enter(app, door, visit, (email, password), Some(proof)).await
}

async fn enter(
    app: &App,
    door: &Application,
    visit: &Visit,
    (email, password): (&str, Secret),
    proof: Option<HeldProof<'_>>,
) -> Result<SignInOutcome, PageError> {
    if !door.local_login {
        return Ok(SignInOutcome::LocalLoginClosed);
    }
    let trial = Trial { proof, ..Trial::begin(app, door, visit, email).await? };
    // Not tried, so not counted either: nobody's counters are made for what no password can be.
    let Some(password) = received(password.expose()) else {
        return match app.flood.refusal(visit.address, visit.now) {
            Noted::Yes => trial.refused("password_too_long", None).await,
            Noted::No | Noted::Wait(_) => Ok(SignInOutcome::Refused),
        };
    };
    match trial.reserve().await? {
        Reservation::Wait { minutes } => return Ok(SignInOutcome::Wait { minutes }),
        Reservation::Barrier => return Ok(SignInOutcome::Barrier),
        Reservation::Granted { .. } => {}
    }
    match trial.verify(&password).await {
        // Another sign-in at the same moment may have hashed the same password anew.
        Ok(Tried::PasswordChanged) => match trial.again().await?.verify(&password).await {
            Ok(Tried::PasswordChanged) => trial.refused("password_changed", None).await,
            other => trial.conclude(other).await,
        },
        other => trial.conclude(other).await,
    }
}

/// One attempt, and everything that it is about.
pub(super) struct Trial<'a> {
    pub(super) app: &'a App,
    pub(super) door: &'a Application,
    pub(super) visit: &'a Visit,
    /// What the password is shown for, where it signs nobody in.
    proof: Option<HeldProof<'a>>,
    key: Option<String>,
    /// Whoever has the address, if anybody.
    pub(super) login: Option<PasswordLogin>,
    /// The counters of the four throttles that are concerned.
    pub(super) buckets: Vec<Bucket>,
    pub(super) throttles: Throttles,
    pub(super) by: By,
}

/// What came of verifying.
enum Tried {
    SignedIn { token: Secret, user: Box<User> },
    Shown,
    Wrong(&'static str),
    NotActive(Status),
    PasswordChanged,
    LocalLoginClosed,
}

impl<'a> Trial<'a> {
    /// Looks up what it is about: as many statements for a stranger as for anybody.
    pub(super) async fn begin(
        app: &'a App,
        door: &'a Application,
        visit: &'a Visit,
        email: &str,
    ) -> Result<Self, PageError> {
        let key = Email::key_of(email);
        let login = find(app, door, key.as_deref()).await?;
        let device = visit.browser.as_ref().map(Secret::digest);
        let known = match &device {
            Some(device) => {
                // Asked for strangers as well, so that both take one statement.
                let user = login.as_ref().map(|login| &login.user.id);
                let nobody = UserId::from_stored("");
                app.store.find_known_device(user.unwrap_or(&nobody), device).await?
            }
            None => false,
        };
        let odd = || text::fold(email.trim()).chars().take(ODD_ADDRESS).collect();
        let buckets = buckets_for_sign_in(
            &door.population,
            door.user_type,
            &key.clone().unwrap_or_else(odd),
            visit.address,
            device.as_ref().filter(|_| known),
        );
        Ok(Self {
            app,
            door,
            visit,
            proof: None,
            key,
            login,
            buckets,
            throttles: throttles(&app.config.throttle),
            by: By::visitor(visit.note()),
        })
    }

    /// The same attempt with what the database says now.
    async fn again(&self) -> Result<Self, PageError> {
        Ok(Self {
            login: find(self.app, self.door, self.key.as_deref()).await?,
            key: self.key.clone(),
            buckets: self.buckets.clone(),
            by: self.by.clone(),
            ..*self
        })
    }

    /// Counts it as failed, before it is tried.
    pub(super) async fn reserve(&self) -> Result<Reservation, PageError> {
        let Self { app, visit, buckets, throttles, .. } = self;
        let counted = |now: &[_]| reserve(visit.now, throttles, now);
        Ok(app.store.reserve_sign_in(buckets, counted, visit.now).await?)
    }

    /// Whether the password is theirs, after the same work for everybody.
    pub(super) async fn check(&self, password: &Secret) -> Result<Verified, PageError> {
        let stored = self.stored_hash();
        let hash = stored.and_then(|text| {
            Phc::parse(text).inspect_err(|error| tracing::error!(%error, "a reset mends it")).ok()
        });
        let verified = match self.app.hasher.verify(password.clone(), hash).await {
            Ok(verified) => verified,
            Err(error) => {
                self.give_back().await?;
                return Err(match error {
                    HashError::Busy => PageError::Busy,
                    HashError::Unreadable(_) => PageError::broken(error),
                });
            }
        };
        Ok(verified)
    }

    async fn verify(&self, password: &Secret) -> Result<Tried, PageError> {
        let verified = self.check(password).await?;
        let stored = self.stored_hash();
        let (Some(login), Some(stored), true) = (&self.login, stored, verified.ok) else {
            return Ok(Tried::Wrong(match (&self.login, stored) {
                (None, _) => "unknown_user",
                (Some(_), None) => "no_password",
                (Some(_), Some(_)) => "wrong_password",
            }));
        };
        let rehash = verified.rehashed.map(|hash| hash.to_string());
        self.complete(login, stored, rehash.as_deref()).await
    }

    /// The hash that counts: none for users who may have no password, whatever the table holds.
    pub(super) fn stored_hash(&self) -> Option<&str> {
        self.login
            .as_ref()
            .filter(|login| login.may_have_password)
            .and_then(|login| login.hash.as_deref())
    }

    async fn complete(
        &self,
        login: &PasswordLogin,
        verified_hash: &str,
        rehash: Option<&str>,
    ) -> Result<Tried, PageError> {
        let Self { app, visit, .. } = self;
        let password = VerifiedPassword { user: &login.user.id, verified_hash, rehash };
        let settled = |now: &[_]| settled_ok(&self.throttles, visit.now, now);
        let token = Secret::generate(app.entropy.as_ref());
        let outcome = match self.proof {
            Some(proof) => {
                let shown = PasswordProof {
                    proof,
                    password,
                    application: &self.door.key,
                    buckets: &self.buckets,
                    by: &self.by,
                };
                app.store.complete_password_proof(&shown, settled, visit.now).await?
            }
            None => {
                let session = self.session(&token);
                let (buckets, by) = (&self.buckets[..], &self.by);
                let sign_in = PasswordSignIn { password, session: &session, buckets, by };
                app.store.complete_password_sign_in(&sign_in, settled, visit.now).await?
            }
        };
        Ok(match outcome {
            PasswordOutcome::SignedIn { user, .. } => Tried::SignedIn { token, user },
            PasswordOutcome::Shown { .. } => Tried::Shown,
            PasswordOutcome::NotActive(status) => Tried::NotActive(status),
            PasswordOutcome::PasswordChanged => Tried::PasswordChanged,
            PasswordOutcome::LocalLoginClosed => Tried::LocalLoginClosed,
        })
    }

    fn session(&self, token: &Secret) -> NewSession {
        NewSession {
            token: token.digest(),
            application: self.door.key.clone(),
            methods: vec![Method::Password],
            auth_time: Some(self.visit.now),
            times: self.door.session,
            organisation: None,
            browser: self.visit.browser.as_ref().map(Secret::digest),
            user_agent: Some(self.visit.user_agent.clone()),
        }
    }

    async fn conclude(&self, tried: Result<Tried, PageError>) -> Result<SignInOutcome, PageError> {
        match tried? {
            Tried::SignedIn { token, user } => {
                end_previous(self.app, self.door, self.visit).await;
                Ok(SignInOutcome::SignedIn { token, user })
            }
            Tried::Shown => Ok(SignInOutcome::Shown),
            Tried::Wrong(code) => self.refused(code, None).await,
            Tried::PasswordChanged => self.refused("password_changed", None).await,
            Tried::NotActive(status) => {
                // The password was right: this is no failed guess, whatever the person is told.
                self.give_back().await?;
                self.refused("user_not_active", Some(status)).await
            }
            Tried::LocalLoginClosed => {
                self.give_back().await?;
                Ok(SignInOutcome::LocalLoginClosed)
            }
        }
    }

    async fn give_back(&self) -> Result<(), PageError> {
        let returned = |now: &[_]| give_back(&self.throttles, self.visit.now, now);
        Ok(self.app.store.change_throttles(&self.buckets, returned, self.visit.now).await?)
    }

    /// The audit learns the reason and the person does not. What was typed is in neither: people
    /// type passwords into the wrong field.
    async fn refused(
        &self,
        code: &'static str,
        status: Option<Status>,
    ) -> Result<SignInOutcome, PageError> {
        let action = if self.proof.is_some() { "proof.password" } else { "sign_in.password" };
        let mut happened = Happened::refused(action, code).at(&self.door.key);
        if let Some(login) = &self.login {
            happened = happened.about(&login.user.id);
        }
        if let Some(status) = status {
            happened = happened.with("status", status.as_str());
        }
        self.app.store.add_refusal(&happened, &self.by, self.visit.now).await?;
        Ok(SignInOutcome::Refused)
    }
}

async fn find(
    app: &App,
    door: &Application,
    key: Option<&str>,
) -> Result<Option<PasswordLogin>, PageError> {
    // What cannot be an address is nobody's: it is looked up all the same, as the others are.
    let key = key.unwrap_or("");
    Ok(app.store.find_password_login(door.user_type, &door.population, key).await?)
}
