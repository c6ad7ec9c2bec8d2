//! Container images, where a Docker engine answers.

use std::process::{Command, Stdio};

use crate::{
    source::image,
    step::{Failure, quietly},
};

const ALL: [&str; 5] = [image::POSTGRES, image::REDIS, image::RABBITMQ, image::KAFKA, image::MAIL];

pub(crate) fn images() -> Result<(), Failure> {
    for name in ALL {
        let present = Command::new("docker")
            .args(["image", "inspect", name])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if !present {
            quietly(
                &format!("fetch {name} (container image)"),
                Command::new("docker").args(["pull", "--quiet", name]),
                "GOTICKET_DOCKER=0 uses servers without Docker",
            )?;
        }
    }
    Ok(())
}
