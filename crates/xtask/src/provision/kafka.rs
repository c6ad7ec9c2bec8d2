//! Apache Kafka: the jars of the broker and of the tool that formats its folder.

use std::fs;

use super::{maven, unfinished};
use crate::{
    cache::{Cache, KAFKA_VERSION},
    step::Failure,
};

const LOG4J_VERSION: &str = "2.24.3";

pub(crate) fn install(cache: &Cache) -> Result<(), Failure> {
    unfinished::fill(cache, &cache.kafka(), |folder| {
        let pom = folder.join("pom.xml");
        fs::write(&pom, project()).map_err(|error| Failure::new("write Kafka's pom.xml", error, ""))?;
        maven::dependencies("Kafka", &pom, folder)
    })
}

fn project() -> String {
    let dependency = |group: &str, artifact: &str, version: &str| {
        format!(
            "<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>\
             <version>{version}</version></dependency>\n"
        )
    };
    let dependencies = [
        dependency("org.apache.kafka", "kafka_2.13", KAFKA_VERSION),
        dependency("org.apache.kafka", "kafka-tools", KAFKA_VERSION),
        dependency("org.apache.logging.log4j", "log4j-slf4j-impl", LOG4J_VERSION),
        dependency("org.apache.logging.log4j", "log4j-core", LOG4J_VERSION),
    ]
    .concat();
    format!(
        "<project xmlns=\"http://maven.apache.org/POM/4.0.0\">\n\
         <modelVersion>4.0.0</modelVersion>\n\
         <groupId>goticket</groupId><artifactId>kafka</artifactId><version>1</version>\
         <packaging>pom</packaging>\n\
         <dependencies>\n{dependencies}</dependencies>\n</project>\n"
    )
}
