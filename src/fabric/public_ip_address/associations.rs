//! Which holder a public address serves; it serves one at a time (PIP-09, PIP-10).

use super::reconcile_address;
use crate::fabric::engine::Engine;
use crate::fabric::holder::Holder;
use crate::fabric::id::{Kind, Name, ObjectId};
use crate::fabric::violation::WaitKey;

/// A public address serves this holder from now on.
pub(in crate::fabric) fn associate(engine: &mut Engine, public: &Name, holder: Holder) {
    if engine.associations.get(public) != Some(&holder) {
        if engine.associations.insert(public.clone(), holder).is_some() {
            engine.wake(WaitKey::claim(Kind::PublicIPAddress, public)); // another holder has it
        }
        engine.touch(Kind::PublicIPAddress, public);
    }
    reconcile_address(engine, public);
}

/// An object releases a public address, which is dissociated, not deleted (PIP-10). What was restored may refer to one that
/// another holds.
pub(in crate::fabric) fn dissociate(engine: &mut Engine, public: &Name, object: &ObjectId) {
    if engine.associations.get(public).is_none_or(|holder| holder.object() != *object) {
        return;
    }
    engine.associations.remove(public);
    reconcile_address(engine, public);
    engine.touch(Kind::PublicIPAddress, public);
    engine.wake(WaitKey::claim(Kind::PublicIPAddress, public));
}

/// A restored holder has a public address again. False if another has it.
pub(in crate::fabric) fn restore_association(engine: &mut Engine, public: &Name, holder: Holder) -> bool {
    let is_free = !engine.is_associated(public);
    if is_free {
        engine.associations.insert(public.clone(), holder);
    }
    is_free
}
