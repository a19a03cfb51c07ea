//! `kanon image`.

use std::process::ExitCode;

use crate::cli::{Image, Output};
use crate::failure::{Failure, While};
use crate::profile::Profile;

pub(crate) fn run(arguments: &Image) -> Result<ExitCode, Failure> {
    match arguments {
        Image::Load { profile, file } => {
            let folder = Profile::of(profile)?.folder;
            std::fs::create_dir_all(&folder).while_doing(folder.display())?;
            let names = node::image::load(&folder, file).while_doing(file.display())?;
            print(&names, profile.output);
        }
        Image::Busybox { file, busybox, name } => {
            let archive =
                node::image::busybox_archive(busybox, name).while_doing(busybox.display())?;
            std::fs::write(file, archive).while_doing(file.display())?;
            println!("{}", file.display());
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn print(names: &[String], output: Output) {
    match output {
        Output::Json => println!("{}", serde_json::json!({"loaded": names})),
        Output::Text => {
            for name in names {
                println!("Loaded {name}");
            }
        }
    }
}
