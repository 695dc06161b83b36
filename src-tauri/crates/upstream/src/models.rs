//! Asking an account which models it offers (F89). The list is fetched per account and never hard-coded.

use http_body_util::{BodyExt as _, Limited};
use pool::{Format, Outcome};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    Access, Call, Endpoint, QueryError, Upstream, classify, target::Target,
    tokens::access_with_key, usage::refused,
};

const BODY_LIMIT: usize = 16 << 20;

/// One model of an account.
#[derive(Debug, Clone)]
pub struct Model {
    /// What requests name it.
    pub id: String,
    /// A name for people, where the upstream has one.
    pub display_name: Option<String>,
    /// Whether a model picker should list it (`visibility` of the Codex shape; true elsewhere).
    pub listed: bool,
    /// The upstream's own JSON, unchanged, for the Codex shape of our model list.
    pub raw: Box<RawValue>,
}

impl Model {
    fn read(raw: Box<RawValue>) -> Option<Self> {
        #[derive(Deserialize)]
        struct Fields {
            slug: Option<String>,
            id: Option<String>,
            name: Option<String>,
            display_name: Option<String>,
            visibility: Option<String>,
        }
        let fields: Fields = serde_json::from_str(raw.get()).ok()?;
        let id = fields.slug.or(fields.id).or(fields.name)?;
        // Gemini prefixes its ids with the collection.
        let id = id.strip_prefix("models/").map_or(id.clone(), str::to_owned);
        let listed = fields.visibility.is_none_or(|v| v == "list");
        (!id.is_empty()).then_some(Self {
            id,
            display_name: fields.display_name,
            listed,
            raw,
        })
    }
}

impl Upstream {
    /// The models an account offers now, in the upstream's order. On a failure the caller keeps its old list (F89).
    ///
    /// # Errors
    /// [`QueryError`]; an answer that is no model list is [`QueryError::Unreadable`].
    pub async fn list_models(&self, target: &Target) -> Result<Vec<Model>, QueryError> {
        let access = self.access(target).await?;
        self.list_models_as(target, &access).await
    }

    /// The same for an account that is not there yet, with a key that is used once and kept nowhere (F104).
    ///
    /// # Errors
    /// As [`Upstream::list_models`].
    pub async fn list_models_with(
        &self,
        target: &Target,
        key: &SecretString,
    ) -> Result<Vec<Model>, QueryError> {
        let access = access_with_key(target, key)?;
        self.list_models_as(target, &access).await
    }

    async fn list_models_as(
        &self,
        target: &Target,
        access: &Access,
    ) -> Result<Vec<Model>, QueryError> {
        let mut call = Call::json(Endpoint::Models, Vec::new(), false);
        if target.is_oauth() || target.format == Format::Codex {
            // Required by the Codex backend, which hides models newer than the version named.
            let version = self.0.settings.load().config.client_version.clone();
            let pair = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("client_version", &version)
                .finish();
            call.query = Some(pair);
        }
        if target.format == Format::Gemini {
            // The vendor tells fifty at a time unless it is asked for all.
            call.query = Some("pageSize=1000".to_owned());
        }
        let answer = self.send(target, access, call).await?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, BODY_LIMIT)
            .collect()
            .await
            .map_err(|_| QueryError::Unreadable)?
            .to_bytes();
        let format = if target.is_oauth() {
            Format::Codex
        } else {
            target.format
        };
        let outcome = classify::classify(
            format,
            head.status,
            &head.headers,
            &body,
            self.0.clock.now(),
        );
        if outcome != Outcome::Success {
            if outcome == Outcome::Unauthorized {
                self.unauthorized(target, access);
            }
            return Err(refused(outcome, head.status, &access.hidden_in(body)));
        }
        parse(&body).ok_or(QueryError::Unreadable)
    }
}

/// `{"models":[…]}` (Codex, Gemini), `{"data":[…]}` (OpenAI) or a bare array.
fn parse(body: &[u8]) -> Option<Vec<Model>> {
    #[derive(Deserialize)]
    struct Shape {
        models: Option<Vec<Box<RawValue>>>,
        data: Option<Vec<Box<RawValue>>>,
    }
    let list = match serde_json::from_slice::<Shape>(body) {
        Ok(shape) => shape.models.or(shape.data)?,
        Err(_) => serde_json::from_slice::<Vec<Box<RawValue>>>(body).ok()?,
    };
    Some(list.into_iter().filter_map(Model::read).collect())
}

#[cfg(test)]
mod tests;
